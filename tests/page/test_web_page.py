"""The web page in a real Chromium, with a real server behind it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page import checks
from tests.page.conftest import KEY, SAMPLES, Open

TALK = SAMPLES / "talk.mp4"
CLIP = SAMPLES / "clips/clip-01.wav"
CLIP_TEXT = "Where is the yellow bicycle?"
_DROP = """(zone, { name, data }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def card(page: Page, name: str) -> Locator:
    """Return the card of a recording."""
    return page.locator("article").filter(has=page.get_by_role("heading", name=name, exact=True))


def send(page: Page, *files: Path) -> None:
    page.set_input_files("#files", files)
    page.click("#start")


def done(page: Page, name: str) -> Locator:
    """Wait until a recording is done, and return its card."""
    one = card(page, name)
    expect(one.locator(".downloads")).to_be_visible(timeout=120_000)
    return one


def test_a_dropped_film_is_played_with_its_cues(server: str, open_page: Open) -> None:
    page = open_page(server)
    data = base64.b64encode(TALK.read_bytes()).decode()
    page.locator("#drop").evaluate(_DROP, {"name": "talk.mp4", "data": data})
    expect(page.locator("#chosen li")).to_have_count(1)
    page.select_option("#language", "en")
    page.click("#start")
    one = done(page, "talk.mp4")
    expect(one.locator(".status")).to_have_text(re.compile(r"Done · English · 2:38 · \d+ cues"))
    assert one.locator(".cues button").count() > 20
    third = one.locator(".cues button").nth(2)
    third.click()
    expect(third).to_have_attribute("aria-current", "true")
    video = one.locator("video")
    shown = video.evaluate(
        "(video) => [...video.textTracks[0].activeCues].map((cue) => cue.getCueAsHTML().textContent)"
    )
    assert [" ".join(text.split()) for text in shown] == [third.locator("span").inner_text()]
    video.evaluate("(video) => video.pause()")
    page.mouse.move(0, 0)
    with_cue = video.screenshot()
    video.evaluate("(video) => { video.textTracks[0].mode = 'hidden'; }")
    page.wait_for_timeout(300)
    assert video.screenshot() != with_cue


def test_another_cue_is_marked_as_the_film_goes_on(server: str, open_page: Open) -> None:
    page = open_page(server)
    send(page, TALK)
    one = done(page, "talk.mp4")
    rows = one.locator(".cues button")
    rows.first.click()
    expect(rows.first).to_have_attribute("aria-current", "true")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true", timeout=15_000)
    expect(one.locator(".cues [aria-current]")).to_have_count(1)


def test_every_format_is_downloaded_without_another_upload(server: str, open_page: Open) -> None:
    page = open_page(server)
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if request.method == "POST" else None)
    page.select_option("#format", "vtt")
    send(page, CLIP)
    one = done(page, "clip-01.wav")
    expect(one.locator(".downloads .main")).to_have_text("Download WebVTT")
    texts = {}
    for name in [button.get_attribute("data-format") for button in one.locator(".downloads button").all()]:
        with page.expect_download() as download:
            one.locator(f"[data-format={name}]").click()
        texts[download.value.suggested_filename] = Path(download.value.path()).read_text("utf-8")
    assert set(texts) >= {"clip-01.srt", "clip-01.vtt", "clip-01.txt", "clip-01.json"}
    assert texts["clip-01.vtt"].startswith("WEBVTT")
    assert texts["clip-01.txt"].split() == CLIP_TEXT.split()
    assert " ".join(texts["clip-01.srt"].split("\n")[2:]).split() == CLIP_TEXT.split()
    assert json.loads(texts["clip-01.json"])
    assert len(uploads) == 1


def test_the_style_decides_the_cues(server: str, open_page: Open) -> None:
    page = open_page(server)
    widths = []
    for profile in ("shorts", "arte"):
        page.select_option("#profile", profile)
        send(page, TALK)
        one = done(page, "talk.mp4")
        with page.expect_download() as download:
            one.locator("[data-format=srt]").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        widths.append(max(len(line) for line in lines if "-->" not in line))
        one.get_by_role("button", name="Remove").click()
    assert widths[0] <= 24 < widths[1]


def test_a_text_file_is_an_error_in_one_line(server: str, open_page: Open) -> None:
    page = open_page(server)
    send(page, SAMPLES / "talk.truth.json")
    one = card(page, "talk.truth.json")
    expect(one.locator(".status")).to_have_text("Failed")
    expect(one.locator(".error")).to_contain_text("not media that qasr can read")
    expect(one.locator(".again")).to_be_hidden()
    one.get_by_role("button", name="Remove").click()
    expect(page.locator("article")).to_have_count(0)


def test_a_file_that_is_too_large_is_not_sent(server: str, open_page: Open, tmp_path: Path) -> None:
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(61 * 1024**2)
    page = open_page(server)
    send(page, large)
    expect(card(page, "large.wav").locator(".error")).to_contain_text(
        "61 MiB; this server takes at most 60 MiB"
    )


def test_a_key_is_asked_for_once_and_kept_in_the_tab(locked_server: str, open_page: Open) -> None:
    page = open_page(locked_server)
    send(page, CLIP, SAMPLES / "clips/clip-02.mp3")
    expect(page.locator("dialog")).to_be_visible()
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_have_text("The server does not know this key")
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    done(page, "clip-01.wav")
    done(page, "clip-02.mp3")
    page.reload()
    done(page, "clip-01.wav")
    stored = page.evaluate("[Object.values(localStorage).length, document.cookie]")
    assert stored == [0, ""]


def test_without_a_key_the_recording_fails_and_may_be_tried_again(
    locked_server: str, open_page: Open
) -> None:
    page = open_page(locked_server)
    send(page, CLIP)
    page.click("#key-cancel")
    one = card(page, "clip-01.wav")
    expect(one.locator(".status")).to_have_text("Failed")
    expect(one.locator(".error")).to_contain_text("key")
    one.get_by_role("button", name="Try again").click()
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    done(page, "clip-01.wav")


def test_several_files_are_recognised_and_stay_in_their_order(server: str, open_page: Open) -> None:
    page = open_page(server)
    files = [SAMPLES / "clips" / name for name in ("clip-01.wav", "clip-02.mp3", "clip-03.flac")]
    files = [file for file in files if file.exists()] or sorted((SAMPLES / "clips").iterdir())[:3]
    send(page, *files)
    for file in files:
        done(page, file.name)
    assert page.locator("article h3").all_inner_texts() == [file.name for file in files]


def test_a_recording_is_cancelled(server: str, open_page: Open, long_recording: Path) -> None:
    page = open_page(server)
    send(page, long_recording)
    one = card(page, "long.wav")
    expect(one.locator(".status")).to_have_text(re.compile("Recognizing|Reading"))
    with page.expect_response(lambda response: response.request.method == "DELETE") as answer:
        one.get_by_role("button", name="Cancel").click()
    assert answer.value.ok
    assert answer.value.json()["status"] == "cancelled"
    expect(one.locator(".status")).to_have_text("Cancelled")
    page.reload()
    expect(page.locator("article")).to_have_count(0)


def test_a_reload_goes_on_with_what_runs(server: str, open_page: Open, long_recording: Path) -> None:
    page = open_page(server)
    page.select_option("#language", "en")  # another job than the one of the test before
    send(page, CLIP, long_recording)
    done(page, "clip-01.wav")
    expect(card(page, "long.wav").locator(".status")).to_have_text(re.compile("Recognizing|Reading"))
    page.reload()
    one = done(page, "clip-01.wav")
    expect(one.locator("video")).to_be_hidden()
    one.locator(".attach input").set_input_files(CLIP)
    expect(one.locator("video")).to_be_visible()
    running = card(page, "long.wav")
    expect(running.locator(".live")).not_to_be_empty(timeout=120_000)
    running.get_by_role("button", name="Cancel").click()
    expect(running.locator(".status")).to_have_text("Cancelled")


def test_a_file_s_name_is_text(server: str, open_page: Open, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)> & \u202eflip.wav"
    odd = tmp_path / name
    odd.write_bytes(CLIP.read_bytes())
    page = open_page(server)
    send(page, odd)
    one = page.locator("article")
    expect(one.locator(".downloads")).to_be_visible()
    assert one.locator("h3").text_content() == name
    assert one.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_everything_has_a_name(server: str, open_page: Open, scheme: str) -> None:
    page = open_page(server, color_scheme=scheme)
    page.set_input_files("#files", [CLIP, SAMPLES / "talk.truth.json"])
    page.click("summary")
    assert checks.nameless(page) == []
    page.click("#start")
    expect(card(page, "talk.truth.json").locator(".error")).not_to_be_empty()
    done(page, "clip-01.wav").locator(".cues button").first.click()
    found = checks.contrasts(page)
    assert len(found) > 20
    assert [one for one in found if one["ratio"] < 4.5] == []
    assert checks.nameless(page) == []


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_nothing_is_wider_than_the_window(server: str, open_page: Open, tmp_path: Path, width: int) -> None:
    long_name = tmp_path / f"{'a-very-long-name-' * 12}.wav"
    long_name.write_bytes(CLIP.read_bytes())
    page = open_page(server, viewport={"width": width, "height": 740})
    assert checks.overhang(page) <= 0
    page.set_input_files("#files", [long_name, SAMPLES / "talk.truth.json"])
    assert checks.overhang(page) <= 0
    page.click("#start")
    done(page, long_name.name)
    expect(card(page, "talk.truth.json").locator(".error")).not_to_be_empty()
    assert checks.overhang(page) <= 0


def test_the_page_is_korean_for_koreans(server: str, open_page: Open) -> None:
    page = open_page(server, locale="ko-KR")
    assert page.locator("html").get_attribute("lang") == "ko"
    expect(page.locator("#drop strong")).to_have_text("영상이나 녹음 파일을 여기에 놓으세요")
    assert "영어" in page.locator("#language option").all_inner_texts()
    send(page, CLIP)
    expect(done(page, "clip-01.wav").locator(".status")).to_have_text("완료 · 영어 · 0:02 · 자막 1개")


def test_all_is_done_with_the_keyboard(server: str, open_page: Open) -> None:
    page = open_page(server)
    page.set_input_files("#files", CLIP)  # a file dialog is the system's
    page.locator("#files").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if reached[-1] == "start":
            break
    assert reached == ["BUTTON", "language", "format", "profile", "SUMMARY", "start"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "jobs-title"
    one = done(page, "clip-01.wav")
    one.locator(".cues button").first.focus()
    page.keyboard.press("Enter")
    expect(one.locator(".cues button").first).to_have_attribute("aria-current", "true")


def test_what_waits_for_its_upload_is_cancelled_at_once(server: str, open_page: Open) -> None:
    page = open_page(server)
    page.route("**/v1/audio/transcriptions", lambda route: None)  # an upload without end
    send(page, CLIP, TALK)
    for name in ("talk.mp4", "clip-01.wav"):
        card(page, name).get_by_role("button", name="Cancel").click()
        expect(card(page, name).locator(".status")).to_have_text("Cancelled", timeout=1_000)


def test_a_lost_connection_is_taken_up_again(server: str, open_page: Open, long_recording: Path) -> None:
    page = open_page(server)
    page.select_option("#language", "de")  # a job of its own
    send(page, long_recording)
    one = card(page, "long.wav")
    expect(one.locator(".status")).to_have_text(re.compile("Recognizing|Reading"), timeout=60_000)
    page.context.set_offline(True)
    expect(one.locator(".status")).to_have_text("Connection lost; trying again", timeout=20_000)
    page.context.set_offline(False)
    expect(one.locator(".status")).to_have_text(re.compile("Recognizing|Done"), timeout=60_000)
    one.locator(".stop").click()


def test_a_full_server_is_asked_again(server: str, open_page: Open) -> None:
    page = open_page(server)
    told: list[str] = []

    def full_once(route: Route) -> None:
        answer = route.fetch()
        refusal = {"message": "60 minutes of audio wait already", "retry_after_s": 2}
        told.append("full" if not told else "free")
        route.fulfill(response=answer, json={**answer.json(), "refusal": refusal if len(told) == 1 else None})

    page.route("**/page/server.json", full_once)
    send(page, CLIP)
    expect(card(page, "clip-01.wav").locator(".status")).to_have_text("The server is full; next try in 2 s")
    done(page, "clip-01.wav")
    assert told == ["full", "free"]


def test_an_upload_that_is_refused_in_its_middle_says_why(locked_server: str, open_page: Open) -> None:
    """An answer that comes before the body is read is shown, and not a lost connection."""
    page = open_page(locked_server)
    page.route("**/v1/models", lambda route: route.fulfill(json={}))
    page.evaluate("sessionStorage.setItem('qasr.key', 'wrong')")
    send(page, TALK)
    expect(page.locator("dialog")).to_be_visible()
    expect(page.locator("#key-error")).to_have_text("The server does not know this key")
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    done(page, "talk.mp4")
