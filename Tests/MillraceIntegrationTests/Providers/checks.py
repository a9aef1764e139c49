"""What the drivers share: expectations that end the program with one clear line, and the server's observations."""
import json
import sys
import time
import urllib.request


def fail(what):
    print(f"DEVIATION: {what}")
    sys.exit(1)


def same(what, found, expected):
    if found != expected:
        fail(f"{what}: {found!r} instead of {expected!r}")


def holds(what, condition, found=None):
    if not condition:
        fail(f"{what}: {found!r}")


def raises(what, kind, call, **attributes):
    """Expects exactly this class of error with these attributes, and returns it."""
    try:
        call()
    except Exception as error:
        if type(error) is not kind:
            fail(f"{what}: {type(error).__name__} ({error}) instead of {kind.__name__}")
        for name, value in attributes.items():
            same(f"{what}: {name}", getattr(error, name), value)
        return error
    fail(f"{what}: no error instead of {kind.__name__}")


def observation(base, event, tag, seconds=5):
    """The server's first observation of an event of the request with a tag."""
    with urllib.request.urlopen(f"{base}/_observations?wait={seconds}&event={event}&tag={tag}", timeout=seconds + 5) as response:
        found = json.load(response)
    if found is None:
        fail(f"the server saw no {event} of {tag} in {seconds} s")
    return found


def cancel_reaches(base, tag, close):
    """Expects that the server, hanging, sees the client close within a second, and returns after how many milliseconds."""
    observation(base, "hanging", tag)
    before = time.monotonic_ns()
    close()
    milliseconds = (observation(base, "client_closed", tag)["t"] - before) / 1e6
    holds(f"{tag}: the server sees the cancel in time", -1 < milliseconds < 1000, milliseconds)
    return milliseconds


def run(checks):
    """Runs each check by its name, so that a crash names it too."""
    for check in checks:
        try:
            check()
        except Exception as error:
            fail(f"{check.__name__}: {type(error).__name__}: {error}")
    print(f"{len(checks)} checks passed")
