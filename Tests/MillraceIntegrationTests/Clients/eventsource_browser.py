"""Follows a run with a real browser's EventSource until the server ends its reconnecting. Prints what it saw as JSON.

The page is one of the server's own, so that the browser's origin is the server's. The first connection is cut by the caller behind this
program's back; an EventSource then comes back by itself with Last-Event-ID.
"""
import json
import sys

from playwright.sync_api import sync_playwright

KINDS = ["response_start", "status", "content", "document", "citation", "metadata", "error", "response_end"]

FOLLOW = """
([url, kinds]) => new Promise((resolve) => {
  const seen = []; let opened = 0;
  const source = new EventSource(url);
  source.onopen = () => { opened += 1; };
  for (const kind of kinds) source.addEventListener(kind, (e) => {
    if (e.data !== undefined) seen.push({event: e.type, id: e.lastEventId, data: e.data});
  });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve({seen, opened}); };
})
"""


def main(base, run):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        page = browser.new_page()
        page.goto(f"{base}/healthz")
        page.set_default_timeout(30_000)
        result = page.evaluate(FOLLOW, [f"{base}/api/v1/runs/{run}/events", KINDS])
        browser.close()
    print(json.dumps(result))


main(*sys.argv[1:])
