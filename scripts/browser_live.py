"""Watches a run in chromium as it goes, through `rung serve`; see scripts/browser-test."""
import json
import os
import shutil
import signal
import subprocess

from axe_playwright_python.sync_playwright import Axe

# Each instance says how it goes, then waits until it may go on.
PIPELINE = """\
pipeline: live
about: Trains slowly, so that somebody can watch.
axes: {width: [10, 100], seed: {replicates: 2}}
steps:
  fit:
    over: [width, seed]
    run: |
      printf '<script>window.broken = 1</script> \\033[31mepoch\\033[0m %s\\n' {width}
      for step in 1 2 3 4 5 6 7 8 9 10; do
        echo "{\\"step\\": $step, \\"loss\\": $((100 / step)), \\"progress\\": 0.$((step - 1))}" >> "$RUNG_EVENTS"
      done
      read line < {go}
      echo '{"loss": 0.5, "width": '{width}', "seed": '{seed}'}' > {out.fit}
    outputs: {fit: fit.json}
parameters: {go: GO}
"""


def environment(root):
    return {"PATH": "/usr/bin:/bin", "HOME": root, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def start(root, *arguments):
    return subprocess.Popen([os.environ["RUNG_BINARY"], *arguments], cwd=root, env=environment(root),
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def check_live(browser, work, visit_type, expect):
    root = f"{work}/live"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(f"{root}/pipelines/live")
    os.mkfifo(f"{root}/go")
    with open(f"{root}/pipelines/live/pipeline.yaml", "w") as file:
        file.write(PIPELINE.replace("GO", f"{root}/go"))
    go = os.open(f"{root}/go", os.O_RDWR)
    server = start(root, "serve", "--json")
    run = None
    try:
        address = json.loads(server.stdout.readline())["address"].rstrip("/")
        with visit_type(browser, address) as visit, visit_type(browser, address, scheme="dark", width=390) as phone:
            page = visit.open("live.html")
            page.get_by_text("Nothing runs now.").wait_for()
            run = start(root, "run", "-j", "2", "-q")
            page.get_by_text("0 of 4").first.wait_for()
            cards = page.locator("#instances > li")
            expect(cards.count() == 2, f"{cards.count()} instances are shown")
            page.locator("figure.course svg").first.wait_for()
            card = cards.first
            card.get_by_text("What it prints").click()
            log = card.locator("pre.log")
            log.wait_for()
            expect(log.inner_text().startswith("<script>window.broken = 1</script> epoch"), log.inner_text())
            expect(page.locator("#whole").get_attribute("value") in (None, "0"), "nothing is done yet")
            # What was opened stays open while the page goes on.
            about = page.inner_text("#about")
            page.wait_for_function("before => document.querySelector('#about').textContent !== before", arg=about)
            expect(card.locator("details").get_attribute("open") is not None, "the log stays open")
            other = phone.open("live.html")
            other.get_by_text("0 of 4").first.wait_for()
            axe = Axe()
            for one in (page, other):
                found = [v for v in axe.run(one).response["violations"] if v["impact"] in ("serious", "critical")]
                expect(not found, "; ".join(f"{v['id']}: {v['nodes'][0]['target']}" for v in found))
            visit.shot("live-light-wide")
            phone.shot("live-dark-phone")
            room = other.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            expect(room <= 0, f"{room} pixels too wide on a phone")
            # One browser goes away without a word; the other goes on.
            other.goto("about:blank")
            for _ in range(4):
                os.write(go, b"on\n")
            page.get_by_text("The run has ended: 4 ran.").wait_for()
            page.get_by_text("Nothing runs now.").wait_for()
            page.get_by_role("link", name="Experiments").click()
            page.get_by_role("heading", name="live").first.wait_for()
            expect("4 results up to date" in page.inner_text("article.experiment"), page.inner_text("article.experiment"))
            for one in (visit, phone):
                # A browser asks for an icon by itself, outside the address that it knows.
                one.faults = [fault for fault in one.faults if "favicon" not in fault and "403" not in fault]
    finally:
        for process in (run, server):
            if process:
                process.send_signal(signal.SIGINT)
                process.wait()
        os.close(go)
