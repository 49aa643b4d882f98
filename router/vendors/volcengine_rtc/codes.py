"""What Volcengine RTC's numbers and words mean: for handlers to branch on, never enforced.

The lists are open. The vendor adds values, so a handler needs a branch for those not listed.

Source: Callback events (75125), editions of 2023 and of 2024-09-14; Events and error codes (1928198).
"""

from collections.abc import Mapping

from msgspec import Meta

SUCCESS = 0
"""The one `code` that is no failure, of recordings and of pushing to a CDN."""

RESULTS: dict[int, str] = {SUCCESS: "success", 1: "failure"}
"""`code` of the recording events, and of TranscodeStarted, -Stopped and -Updated."""

STREAM_STOP_REASONS: dict[str, str] = {
    "StreamStop": "stopped normally",
    "LeaveRoom": "the user left the room",
    "BannedByAdmin": "the server side banned the stream",
}
"""`reason` of the events that end a stream; note the capital letters."""

LEAVE_REASONS: dict[str, str] = {
    "userLeave": "normal",
    "connectionLost": "network or process lost, told 30 s after the fact",
    "kickedByAdmin": "removed by the server side",
    "roomDismissByAdmin": "the server side closed the room",
    "onUserTokenDidExpire": "the token ran out",
    "other": "anything else",
}
"""`reason` of UserLeaveRoom and InvisibleUserLeaveRoom; note the small letters."""

STREAM_TYPES: dict[int, str] = {0: "camera or microphone", 1: "screen"}
"""`stream_type` wherever a stream is named."""

STREAM_STATES: dict[int, str] = {0: "no longer published", 1: "published"}
"""`state` of a recorded stream."""

IMAGE_FORMATS: dict[int, str] = {0: "JPEG", 1: "PNG"}
"""`format` of a snapshot."""

RELAY_STATUSES: dict[int, str] = {1: "standby", 2: "connecting", 3: "running", 4: "stopped"}
"""`status` of RelayStreamStateChanged."""

RELAY_REASONS: dict[int, str] = {
    1: "idle for too long",
    2: "stopped through the API",
    3: "the media came to its end",
    4: "internal error",
    5: "bad address",
    6: "unsupported codec",
    7: "bad token",
    8: "no permission to publish",
    9: "removed from the room",
}
"""`reason` of RelayStreamStateChanged, where the status is 4."""

WEBCAST_STATUSES: dict[int, str] = {
    1: "started",
    2: "ended normally",
    3: "ended abnormally",
    4: "page loaded anew",
    5: "moved to another machine; the publishing user entered the room again",
}
"""`status` of Webcast."""

WEBCAST_REASONS: dict[str, str] = {
    "AudioCaptureModuleError": "capturing sound failed",
    "WebRenderModuleError": "rendering the page failed",
    "SourceURLInaccessible": "the page cannot be reached",
    "StartEventTimeout": "the page did not say in time that it is ready",
    "PageBlank": "the page stayed blank",
    "PageCrash": "the page crashed",
    "PageFreeze": "the page froze",
}
"""`reason` of Webcast, where the status is 3, 4 or 5; the document lists the words only."""

TASK_STATES: dict[int, str] = {
    1: "not pushing, not yet or no more",
    2: "connecting to the CDN again",
    3: "pushing",
    4: "the address changed; the error message tells the old and the new one",
}
"""`task_state` of TranscodeStateChanged."""

TASK_CODES: dict[int, str] = {
    SUCCESS: "success",
    1: "bad parameters",
    2: "no stream of the mixed user, or one without media",
    3: "an error while running",
    4: "the CDN refused or broke off, or a push with new parameters failed",
    9999: "another error of the system",
}
"""`code` of TranscodeStateChanged."""

PUBLIC_STREAM_STATUSES: dict[int, str] = {1: "started", 2: "ended", 3: "abnormal"}
"""`status` of PushPublicStream."""

PUBLIC_STREAM_CODES: dict[int, str] = {
    1: "ended: idle for too long",
    2: "ended: through the API",
    3: "ended: internal error",
}
"""`code` of PushPublicStream; there is none for a start."""

TRANSCODE_MODES: dict[int, str] = {0: "static: pages", 1: "dynamic: with animations"}
"""`transcode_mode` of the whiteboard's events."""

VOICE_CHAT_EVENTS: dict[int, str] = {0: "the stage changed", 1: "an error"}
"""`event_type` of VoiceChat."""

RUN_STAGES: dict[str, str] = {
    "preParamCheck": "checking the parameters failed",
    "taskStart": "the task started",
    "beginAsking": "the user began to speak",
    "asrFinish": "the user finished speaking",
    "reasoningStart": "the model began to reason",
    "llmOutput": "the model's first token is there",
    "answerStart": "the agent began to speak",
    "answerFinish": "the agent finished speaking",
    "interrupted": "the agent was interrupted",
    "asr": "recognising speech",
    "llm": "asking the model",
    "tts": "making speech",
    "taskStop": "the task ended",
    "taskUsage": "after the end: what it used is in `extra_info`",
}
"""`run_stage` of VoiceChat."""

WEB_RECORD_TYPES: dict[int, str] = {
    1: "the task started",
    2: "a segment is there",
    3: "the task failed",
    4: "the task finished",
}
"""`type` of WebRecordResult."""

WEB_RECORD_STATUSES: dict[int, str] = {1: "starting", 2: "running", 3: "failed", 4: "succeeded"}
"""`status` of WebRecordResult."""


def coded(subject: str, meanings: Mapping[str, str] | Mapping[int, str]) -> Meta:
    """Return what documents a field whose values have *meanings*; they are its examples."""
    values = "; ".join(f"{value}: {meaning}" for value, meaning in meanings.items())
    return Meta(description=f"{subject}. {values}.", examples=list(meanings))
