"""File name suffixes of media, by the demuxer that reads them.

In goes nothing; out come suffixes. Opens nothing and guarantees nothing: they only pick files out of a
folder, and a file that the user names is tried whatever it is called. A test compares the demuxers with
ffmpeg's whitelist in `ffmpeg_arguments`.
"""

from __future__ import annotations

# Suffixes: ffmpeg's own lists, `file`'s, and those of the devices and programs that write the formats.
# What a suffix shares with other kinds of files stays out where the first bytes of the media are certain
# (`signatures`): it is found by these.
BY_DEMUXER: dict[str, tuple[str, ...]] = {
    # One demuxer of ffmpeg with several names. Out: .ism (a manifest in XML), .heic and .avif (pictures),
    # .aax and .m4p (encrypted; found by their first bytes, and the error says so).
    "mov": (".mov", ".qt", ".mqv", ".insv", ".lrv"),
    "mp4": (".mp4", ".m4v", ".mp4v", ".mpg4", ".f4v", ".ismv"),
    "m4a": (".m4a", ".m4b", ".m4r", ".f4a", ".f4b", ".isma"),
    "3gp": (".3gp", ".3gpp", ".3ga", ".k3g"),
    "3g2": (".3g2", ".3gp2", ".3gpp2"),
    "mj2": (".mj2",),
    "matroska": (".mkv", ".mka", ".mk3d"),  # .mks holds subtitles only
    "webm": (".webm", ".weba"),
    # Receivers and recorders; .rec is Topfield's, whose own header lies before the stream.
    "mpegts": (".ts", ".tp", ".trp", ".tod", ".rec", ".mts", ".m2t", ".m2ts", ".mt2s", ".mpegts"),
    # .mod (camcorders, and tracker music), .dat (Video CDs, and everything else): by their first bytes.
    # .m1v and .m2v hold no audio.
    "mpeg": (".mpg", ".mpeg", ".mpe", ".m2p", ".vob", ".evo", ".vro"),
    "avi": (".avi", ".divx", ".xvid"),
    "asf": (".asf", ".wma", ".wmv", ".wm", ".dvr-ms"),
    "flv": (".flv",),
    "ogg": (".ogg", ".oga", ".ogv", ".ogx", ".ogm", ".opus", ".spx", ".axa", ".axv"),
    "wav": (".wav", ".wave", ".bwf", ".rf64", ".bw64"),
    "w64": (".w64",),
    "aiff": (".aif", ".aiff", ".aifc"),
    "caf": (".caf",),
    "flac": (".flac",),
    "mp3": (".mp3", ".mp2", ".mp1", ".mpa", ".m2a", ".m1a", ".mpga"),
    "aac": (".aac", ".adts", ".adt"),
    "ac3": (".ac3",),
    "eac3": (".eac3", ".ec3", ".ddp"),
    "dts": (".dts",),
    "dtshd": (".dtshd", ".dtsma"),
    "amr": (".amr", ".awb"),
    "amrnb": (),  # frames without a header: ffmpeg reads them only if told to, and files do not come so
    "amrwb": (),  # the same
    "ape": (".ape",),  # .mac by its first bytes; .apl is a text that names another file
    "wv": (".wv",),
    "tta": (".tta",),
    "au": (".au",),  # .snd by its first bytes
    "mxf": (".mxf",),
    "rm": (".rm", ".rmvb", ".rv", ".ra"),  # .ram is a text that names another file
    "truehd": (".thd", ".truehd"),
    "mlp": (".mlp",),
    "loas": (".loas", ".latm"),
    "wtv": (".wtv",),
    "dv": (".dv", ".dif"),
    "dss": (".dss",),
    "qcp": (".qcp",),
    "oma": (".oma", ".aa3", ".omg"),
    "voc": (".voc",),
    "nistsphere": (".sph", ".nist"),
    "gsm": (".gsm",),
    "mpc": (".mpc", ".mp+"),  # .mpp (projects, too) by its first bytes
    "mpc8": (),  # its files are called as those of `mpc`
    "tak": (".tak",),
    "dsf": (".dsf",),
}
MEDIA_SUFFIXES = frozenset(suffix for suffixes in BY_DEMUXER.values() for suffix in suffixes)
# TypeScript, device trees, spreadsheets, records and projects have these too; text shows in the first bytes.
AMBIGUOUS_SUFFIXES = frozenset({".ts", ".mts", ".dts", ".dif", ".rec", ".tp", ".rm", ".ra", ".sph"})
