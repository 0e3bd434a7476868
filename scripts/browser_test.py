"""Drives the pages of a report in chromium; see scripts/browser-test."""
import functools
import http.server
import os
import re
import shutil
import sys
import threading
import time

sys.dont_write_bytecode = True
import browser_live
import browser_projects as projects
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

WORK = sys.argv[1]
SHOTS = f"{WORK}/screenshots"


class Failed(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failed(words)


class Visit:
    """A page that is watched while it is used: whatever it complains of, loads from elsewhere or is made to run fails."""

    def __init__(self, browser, base, *, scheme="light", width=1280, height=900, print_media=False):
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.base, self.faults = base, []
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.look(request.url))
        if print_media:
            self.page.emulate_media(media="print")

    def look(self, url):
        if not url.startswith(self.base):
            self.faults.append(f"loads {url}")

    def open(self, path):
        self.page.goto(f"{self.base}/{path}")
        return self.page

    def shot(self, name, whole=True):
        self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=whole)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            expect(self.page.evaluate("window.broken === undefined"), "text of the user's has run as a script")
            expect(not self.faults, f"{self.page.url}: {self.faults}")
        self.context.close()


def paths(report):
    found = []
    for folder, _, names in os.walk(report):
        found += [os.path.relpath(f"{folder}/{name}", report) for name in names if name.endswith(".html")]
    return sorted(found)


def first(report, pattern):
    return next(path for path in paths(report) if re.fullmatch(pattern, path))


def check_front(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("index.html")
        expect(page.locator("article.experiment").count() == 1, "the front page has one experiment")
        expect("3 claims, 1 not as expected" in page.inner_text(".lead"), page.inner_text(".lead"))
        expect(page.locator(".chips li").all_inner_texts()[1].startswith("✓linear"), "the claim's verdict has a mark")
        expect(page.evaluate("document.querySelector('.thumb img').complete && document.querySelector('.thumb img').naturalWidth > 0"),
               "the figure is shown")
        # The keyboard: the first stop leads past the head.
        page.keyboard.press("Tab")
        expect(page.evaluate("document.activeElement.className") == "skip", "the first stop is the way to the content")
        page.get_by_role("link", name="fall", exact=True).click()
        expect(page.url.endswith("pipelines/fall.html"), page.url)
        page.get_by_role("link", name="Where it comes from").click()
        expect("/lineage/" in page.url, page.url)


def check_policy(browser, report):
    """Should markup of a user's ever get into a page, the page's policy still keeps it from doing anything."""
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("pipelines/fall.html")
        page.evaluate("""() => {
          document.body.insertAdjacentHTML("beforeend", "<p id=x style='color: red' onclick='window.broken=1'>x</p>"
            + "<a id=y href='javascript:window.broken=1'>y</a><img src=x onerror='window.broken=1'>"
            + "<iframe src='data:text/html,<script>parent.broken=1</script>'></iframe>"
            + "<form id=f action='https://example.org/'></form>");
          const script = document.createElement("script");
          script.textContent = "window.broken = 1";
          document.body.append(script);
        }""")
        page.locator("#x").click()
        page.locator("#y").click()
        page.evaluate("document.getElementById('f').submit()")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        expect(page.evaluate("getComputedStyle(document.getElementById('x')).color") != "rgb(255, 0, 0)", "styles are kept out")
        expect(len(visit.faults) >= 6 and all("Content Security Policy" in fault or "ERR_FILE_NOT_FOUND" in fault for fault in visit.faults
                                              if "loads data:" not in fault), f"{visit.faults}")
        visit.faults = []


def check_graph(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("pipelines/fall.html")
        view = lambda: [float(word) for word in page.get_attribute("svg.graph", "viewBox").split()]
        whole = view()
        page.get_by_role("button", name="Zoom in").click()
        expect(view()[2] < whole[2] * 0.9, "a click zooms in")
        page.keyboard.press("+")
        page.keyboard.press("ArrowRight")
        expect(view()[2] < whole[2] * 0.7 and view()[0] > 0, "keys zoom and move")
        page.get_by_role("button", name="Show all of it").click()
        expect(view() == whole, "all of it again")
        box = page.locator("svg.graph").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 45)
        page.mouse.up()
        expect(view()[0] < whole[0], "the graph is dragged")
        page.keyboard.press("0")
        page.get_by_role("button", name="Show all of it").click()
        # A box opens the step and its instances.
        page.locator("a.node[data-opens=step-fragile]").click()
        expect(page.locator("#step-fragile").get_attribute("open") is not None, "a box opens its step")
        expect(page.locator("#instance-table-status").inner_text() == "rows 1–5 of 5", "its instances are shown")
        expect(page.locator("#instance-table tbody").inner_text().count("failed") == 1, "one of them has failed")
        log = page.locator("#step-fragile .references a").last
        visit.shot("step")
        expect(log.count() <= 1, "a failed step has a log, if it printed anything")


def check_table(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("pipelines/fall.html")
        status = lambda: page.locator("#instance-table-status").inner_text()
        column = lambda index: page.locator(f"#instance-table tbody tr > :nth-child({index})").all_inner_texts()
        expect(status() == "rows 1–25 of 120", status())
        heads = page.locator("#instance-table thead tr").first.locator("th").all_inner_texts()
        expect([head.strip() for head in heads] == ["height", "wind", "seed", "time", "gust", "speed.last", "<b>", "took", "state"], str(heads))
        page.get_by_role("button", name="Next page").click()
        expect(status() == "rows 26–50 of 120", status())
        page.locator("#instance-table th button", has_text="time").click()
        numbers = [float(text) for text in column(4)]
        expect(status().startswith("rows 1–25") and numbers == sorted(numbers), "sorted, from the first page")
        page.locator("#instance-table th button", has_text="time").click()
        numbers = [float(text) for text in column(4)]
        expect(numbers == sorted(numbers, reverse=True), "and the other way")
        page.locator("#instance-table th button", has_text="height").click()
        page.get_by_label("Filter by wind").select_option(label="<b>breeze")
        expect(status() == "rows 1–25 of 40 that match, 120 in all", status())
        page.get_by_label("Filter by time").fill("> 4")
        expect(status() == "rows 1–10 of 10 that match, 120 in all", status())
        expect(set(column(1)) == {"100", "200"} and set(column(2)) == {"<b>breeze"}, str(column(1)))
        page.get_by_label("Filter by time").fill("4..5")
        expect(set(column(1)) == {"100"}, str(column(1)))
        visit.shot("table", whole=False)
        # Claims are sorted in place, by what is in the cells.
        page.locator("table.claims th button", has_text="Claim").click()
        names = page.locator("table.claims .name").all_inner_texts()
        expect(names == ["law", "linear", "wrong"], str(names))
        page.locator("table.claims th button", has_text="Claim").click()
        expect(page.locator("table.claims .name").all_inner_texts() == names[::-1], "the other way")


def check_charts(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("pipelines/fall.html")
        expect(page.locator("[data-charts=step-drop] figure.small").count() == 4, "four small charts")
        expect(page.locator(".plot .line").count() == 3, "a line for each wind")
        page.get_by_label("by", exact=True).select_option(label="nothing")
        expect(page.locator(".plot .line").count() == 1 and page.locator(".plot .band").count() == 1, "a line with its band")
        page.get_by_label("wind", exact=True).select_option(label="storm")
        expect("n = 5" in page.locator(".plot circle title").first.text_content(), "one wind alone")
        page.get_by_label("by", exact=True).select_option(label="wind")
        expect("<b>breeze" in page.locator(".plot .legend").inner_text(), "names stay text")
        visit.shot("chart-lines", whole=False)
        page.get_by_label("log y").set_checked(False)
        page.get_by_label("as", exact=True).select_option(label="heat map")
        expect(page.locator(".plot rect").count() == 24, "a cell for each height and wind")
        page.locator("#chart-kind").scroll_into_view_if_needed()
        visit.shot("chart-heat", whole=False)
        expect("n = 5" in page.locator(".plot rect title").first.text_content(), "a cell says how many it is the mean of")
        page.get_by_label("Step", exact=True).select_option(value="step-theory")
        expect(page.locator("#instance-table-status").inner_text() == "rows 1–8 of 8", "another step, another table")


def check_provenance(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("pipelines/fall.html")
        page.get_by_role("link", name="Where it comes from").click()
        expect("traced" in page.inner_text("main"), "how far it was watched")
        page.locator("a.node[data-opens='step-fall~drop']").click()
        step = page.locator("#step-fall\\~drop")
        expect(step.get_attribute("open") is not None, "a box opens its step")
        page.locator("#step-fall\\~draw summary").click()
        expect("verified: same again" in page.inner_text("#step-fall\\~draw"), page.inner_text("#step-fall\\~draw"))
        visit.shot("lineage-open")
        step.locator(".references a", has_text="drop.sh").click()
        lines = page.locator("ol.code li").all_text_contents()
        expect("\n".join(lines) + "\n" == projects.SCRIPT, "the script is the one that ran, to the letter")
        expect(page.locator("ol.code .k, ol.code .c").count() > 2, "it has colours")
        page.go_back()
        page.locator("#step-fall\\~drop").evaluate("element => { element.open = true }")
        page.locator("#step-fall\\~drop .references a", has_text="fall/drop[").first.click()
        expect("\x1b" not in page.content() and "<script>window.broken" in page.inner_text("ol.log"), "the log is text")


def check_runs(browser, report):
    with Visit(browser, f"file://{report}") as visit:
        page = visit.open("runs/index.html")
        page.locator("tbody tr").last.get_by_role("link").click()
        expect("critical path" in page.inner_text("main").lower(), "the run has a critical path")
        box = page.locator(".timeline svg").bounding_box()
        said = set()
        for share in range(1, 40):
            page.mouse.move(box["x"] + box["width"] * share / 40, box["y"] + 12)
            said.add(page.inner_text("#timeline-hover").split("[")[0].strip())
        expect("fall/drop" in said, f"the timeline tells what ran: {said}")
        page.get_by_label("Filter by step").select_option(label="fall/theory")
        expect(page.locator("#execution-table-status").inner_text().startswith("rows 1–8 of 8 that match"), "filtered by step")
        visit.shot("run")
        page = visit.open("runs/compare.html")
        expect("fall/theory" in page.inner_text("#comparison-steps"), "the step that both ran")
        expect("8 executed in both, 8 with the same bytes" in page.inner_text("#comparison"), page.inner_text("#comparison"))
        page.get_by_label("Before", exact=True).select_option(index=0)
        visit.shot("compare")


def check_everywhere(browser, report):
    """Accessibility, phone width and looks of every kind of page."""
    axe = Axe()
    kinds = {
        "front": "index.html", "pipeline": "pipelines/fall.html", "lineage": first(report, r"lineage/.*"),
        "run": first(report, r"runs/2.*"), "runs": "runs/index.html", "compare": "runs/compare.html",
        "source": first(report, r"sources/.*"), "log": first(report, r"logs/.*"),
    }
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        for kind, path in kinds.items():
            with Visit(browser, f"file://{report}", scheme=scheme, width=width) as visit:
                page = visit.open(path)
                if kind in ("pipeline", "lineage"):
                    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
                # The policy keeps other scripts out: the checker goes in by the debugger.
                found = axe.run(page).response["violations"]
                serious = [one for one in found if one["impact"] in ("serious", "critical")]
                expect(not serious, f"{kind}, {scheme}, {width}: " + "; ".join(
                    f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes'][:3]]}" for one in serious))
                for one in found:
                    print(f"  {kind} {scheme} {width}: {one['impact']}: {one['id']}: {one['nodes'][0]['target']}")
                room = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                expect(room <= 0, f"{kind} at {width}: {room} pixels too wide")
                page.evaluate("document.querySelectorAll('details.step').forEach(element => { element.open = false })")
                visit.shot(f"{kind}-{scheme}-{'phone' if width < 500 else 'wide'}")
    with Visit(browser, f"file://{report}", print_media=True) as visit:
        visit.open("pipelines/fall.html")
        visit.shot("pipeline-print")


def check_web(browser, report):
    """The same pages from a plain web server."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=report))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Visit(browser, f"http://127.0.0.1:{server.server_port}") as visit:
            page = visit.open("pipelines/fall.html")
            expect(page.evaluate("document.documentElement.dataset.ready") == "yes", "the script has run")
            page.locator(".plate img").scroll_into_view_if_needed()
            page.wait_for_function("document.querySelector('.plate img').naturalWidth > 0")
            # A browser asks for an icon by itself.
            visit.faults = [fault for fault in visit.faults if "404" not in fault]
    finally:
        server.shutdown()


def check_live(browser):
    browser_live.check_live(browser, WORK, Visit, expect)


def check_sweep(browser, report, seconds):
    size = os.path.getsize(f"{report}/index.html")
    expect(size < 300_000, f"the first page has {size} bytes")
    times = {}
    with Visit(browser, f"file://{report}") as visit:
        for path in ("index.html", "pipelines/sweep.html", first(report, r"runs/2.*")):
            page = visit.open(path)
            times[path] = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        page = visit.open("pipelines/sweep.html")
        expect(page.locator("#instance-table-status").inner_text() == "rows 1–25 of 10,000", "ten thousand rows, 25 of them shown")
        expect(page.evaluate("document.querySelectorAll('*').length") < 3000, "the page stays small")
        start = time.monotonic()
        page.locator("#instance-table th button", has_text="loss").click()
        page.get_by_label("Filter by loss").fill("> 500")
        spent = (time.monotonic() - start) * 1000
        expect("that match" in page.locator("#instance-table-status").inner_text(), "filtered")
        visit.shot("sweep")
    print(f"  report of 10,000 instances written in {seconds:.2f} s; first page {size} bytes; opened in "
          + ", ".join(f"{path} {value:.0f} ms" for path, value in times.items()) + f"; sorted and filtered in {spent:.0f} ms")
    expect(max(times.values()) < 1000, f"a page takes more than a second: {times}")


def main():
    os.makedirs(SHOTS, exist_ok=True)
    small, report = f"{WORK}/project", f"{WORK}/report"
    projects.small(small)
    projects.rung(small, "report", "-o", report, "--title", "Falling bodies")
    checks = [(check, (report,)) for check in
              (check_front, check_policy, check_graph, check_table, check_charts, check_provenance, check_runs, check_everywhere, check_web)]
    checks.append((check_live, ()))
    if "--quick" not in sys.argv:
        sweep, large = f"{WORK}/sweep", f"{WORK}/sweep-report"
        projects.sweep(sweep)
        start = time.monotonic()
        projects.rung(sweep, "report", "-o", large)
        checks.append((check_sweep, (large, time.monotonic() - start)))
    failed = 0
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for check, arguments in checks:
            try:
                check(browser, *arguments)
                print(f"{check.__name__.removeprefix('check_')}: good")
            except Exception as error:
                failed += 1
                print(f"{check.__name__.removeprefix('check_')}: FAILED: {error}")
        browser.close()
    print(f"screenshots: {SHOTS}")
    sys.exit(1 if failed else 0)


main()
