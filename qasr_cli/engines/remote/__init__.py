"""Recognition on servers that speak OpenAI's interface: vLLM, `qasr serve` and others.

    startup             asks the servers for their models and their form of speech, once
    recognizer          the `Recognizer`: a batch becomes requests
    dispatcher          threads, retries, patience
    balance             which server gets the next request
    server              one server: requests, answers, what it has turned out to accept
    chat_form           chat/completions in Qwen's own form
    transcription_form  audio/transcriptions
    reply_errors        what is wrong with a reply, and who is to blame
    transport           connections, limits of time and size
    one_at_a_time       a local model that several threads share

In go options and chunks of audio; out come hypotheses. What is around the text stays local: decoding, voice
detection, guards, alignment. Nothing but audio, context and language is sent, and nothing to another address
than those of `--server`: no proxy of the environment is used and no redirect is followed.
"""
