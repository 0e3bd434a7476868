import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct RenderingTests {
  // data → 6 fits → figure, with a theory beside.
  private func sweep(_ world: World) throws -> (trace: Trace, figure: Made) {
    let data = try world.run("demo/data[seed=0]", [source("demo/data.py")], makes: ["set": "data"]) {
      $0.kind = "data"
      $0.environment = python
      $0.parameters = [.init("noise", .number("0.1")), .init("samples", 200)]
    }
    let fits = try [800, 20, 50, 100, 200, 400].map { width in
      try world.run(
        "demo/fit[width=\(width),seed=0]",
        [source("demo/fit.py"), data.input("data.set", output: "set")], makes: ["metrics": "fit \(width)"]
      ) {
        $0.kind = "train"
        $0.environment = python
        $0.fields[0].value = "python {code} --width {width} --data {data.set} --metrics {out.metrics}"
      }
    }
    let figure = try world.run(
      "demo/figure",
      [source("demo/figure.py"), try world.collect("fit.metrics", fits, output: "metrics")],
      makes: ["figure": "<svg/>"]
    ) {
      $0.kind = "analysis"
      $0.environment = python
      $0.watch = "traced"
      $0.commit = "fedcba9876543210fedcba9876543210fedcba98"
      $0.dirty = true
    }
    world.write("<svg/>", to: "figure.svg")
    let found = try world.tracer.trace(fileAt: "\(world.root)/figure.svg")
    let subject = Trace.Subject(
      file: "figure.svg", digest: found.subject.digest, instance: found.subject.instance,
      output: found.subject.output, record: found.subject.record, publishedAt: nil, alsoMadeBy: [])
    return (Trace(subject: subject, lineage: found.lineage), figure)
  }

  @Test func theTextOfASmallSweep() throws {
    let world = try World()
    let text = try sweep(world).trace.text(width: 80)
    #expect(text == Golden.sweep)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func theTextIsNoLongerForALargerSweep() throws {
    let world = try World()
    func lines(_ count: Int) throws -> Int {
      let fits = try (0..<count).map { index in
        try world.run("big\(count)/fit[n=\(index)]", [source("data/\(index).csv", name: "table")]) {
          $0.parameters = [.init("index", .int(index))]
          $0.fields[0].value = "fit \(index)"
        }
      }
      let last = try world.run("big\(count)/figure", [try world.collect("fit.out", fits)])
      let trace = Trace(
        subject: .init(
          file: "f", digest: last.content("out"), instance: last.record.instance, output: "out", record: last.digest,
          publishedAt: nil, alsoMadeBy: []), lineage: Lineage.of(records: [last.digest], store: world.store))
      #expect(trace.text().contains("data/*.csv  (\(count) files"))
      #expect(trace.dot.split(separator: "\n").count < 15)
      return trace.text().split(separator: "\n").count
    }
    #expect(try lines(50) == lines(500))
  }

  @Test func theJSONHasTheDocumentedFields() throws {
    let world = try World()
    let (trace, figure) = try sweep(world)
    let json = trace.json
    // Text that parses again.
    #expect(try JSON(parsing: json.pretty) == json)
    #expect(
      json.members?.map(\.name) == [
        "file", "digest", "output", "also_made_by", "stamp", "started_ns", "host", "commit", "dirty", "watch",
        "weakest",
        "trace", "trace_steps", "trace_problems", "network", "network_steps", "complete", "incomplete", "steps",
        "collections", "sources", "system_files", "environments", "programs",
      ])
    #expect(json["output"]?["record"]?.digest == figure.digest)
    #expect(json["watch"] == "declared")
    #expect(json["weakest"] == ["demo/data", "demo/fit"])
    #expect(json["complete"] == true)
    #expect(json["dirty"] == true)
    #expect(json["steps"]?.array?.count == 8)
    let step = json["steps"]?.array?.first
    #expect(
      step?.members?.map(\.name) == [
        "instance", "step", "pipeline", "kind", "record", "key", "command", "declared_command", "parameters", "axes",
        "variables", "inputs", "outputs", "environment", "program", "watch", "network", "view", "trace",
        "trace_problems", "observed", "outcome", "exit", "run", "run_record", "host", "started_ns", "duration_ns",
        "commit", "dirty",
        "rung", "confirmed", "conflicts", "accepted",
      ])
    #expect(step?["instance"] == "demo/data[seed=0]")
    #expect(step?["parameters"] == ["noise": .number("0.1"), "samples": 200])
    #expect(step?["axes"] == ["seed": "0"])
    #expect(step?["started_ns"]?.int == 1_700_000_001_000_000_000)
    #expect(step?["environment"]?.digest == python.identity)
    #expect(step?["inputs"]?.array?.first?["from"] == ["project": "demo/data.py"])
    let last = json["steps"]?.array?.last
    let collection = last?["inputs"]?.array?.last?["from"]?["collection"]
    #expect(collection != nil)
    #expect(json["collections"]?.array?.first?["digest"] == collection)
    #expect(json["collections"]?.array?.first?["members"]?.array?.count == 6)
    #expect(
      json["sources"]?.array?.compactMap { $0["path"]?.string }
        == ["demo/data.py", "demo/figure.py", "demo/fit.py", "demo/requirements.lock"])
    #expect(json["sources"]?.array?.last?["kind"] == "lock")
    #expect(json["environments"]?.array?.first?["interpreter_digest"]?.digest == python.interpreterDigest)
  }

  @Test func theGraphHasItsNodesAndEdges() throws {
    let world = try World()
    let dot = try sweep(world).trace.dot
    #expect(dot.hasPrefix("digraph trace {\n"))
    #expect(dot.contains("s1 [shape=box, label=\"demo/fit × 6\\n[width=20…800 (6), seed=0]\"];"))
    #expect(dot.contains("s0 -> s1 [label=\"data.set\"];"))
    #expect(dot.contains("s1 -> s2 [style=bold, label=\"fit.metrics\"];"))
    #expect(dot.contains("s2 -> file [label=\"figure\"];"))
  }

  @Test func hostileNamesCannotLeaveTheirLabelsOrSteerTheTerminal() throws {
    let world = try World()
    let nasty = "a\"];\n x -> y [label=\"\\N\u{1b}[31m\u{202e}"
    let made = try world.run("demo/fit", [source(nasty)]) { $0.fields[0].value = "echo \u{1b}]0;x\u{7}" }
    let trace = Trace(
      subject: .init(
        file: nasty, digest: made.content("out"), instance: "demo/fit", output: nasty, record: made.digest,
        publishedAt: nil, alsoMadeBy: []), lineage: Lineage.of(records: [made.digest], store: world.store))
    let dot = trace.dot
    #expect(dot.contains("a\\\"];? x -> y [label=\\\"\\\\N?[31m?"))
    // Every line is one statement: quotes that are not escaped come in pairs.
    for line in dot.split(separator: "\n") {
      var quotes = 0
      var escaped = false
      for character in line {
        if character == "\"" && !escaped { quotes += 1 }
        escaped = character == "\\" && !escaped
      }
      #expect(quotes % 2 == 0)
    }
    let bad = trace.text().unicodeScalars.filter { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202e }
    #expect(bad.isEmpty)
  }

  @Test func aRecordIsShownWhole() throws {
    let world = try World()
    let data = try world.run("demo/data", [source("demo/data.py")])
    let fit = try world.run(
      "demo/fit[width=20]", [source("demo/fit.py"), data.input("data.out")], makes: ["metrics": "{}"]
    ) {
      $0.environment = python
      $0.command = ["sh", "-eu", "-c", "echo 'it'"]
      $0.parameters = [.init("name", "x y")]
    }
    let view = RecordView(digest: fit.digest, record: fit.record)
    #expect(
      view.text().replacing(fit.digest.hex, with: "RECORD").replacing(fit.record.key.hex, with: "KEY")
        .replacing(data.digest.short, with: "DATARECORD") == Golden.record)
    #expect(view.json["record"]?.digest == fit.digest)
    #expect(Record(json: view.json) == fit.record)

    let failed = try world.run("demo/fit", makes: [:]) {
      $0.outcome = .timedOut
      $0.exitCode = nil
      $0.problem = "took longer than its timeout of 2 s"
    }
    let text = RecordView(digest: failed.digest, record: failed.record).text()
    #expect(text.contains("ended       timed-out: took longer than its timeout of 2 s"))
  }

  @Test func timesAndLabels() {
    #expect(UTCTime(nanoseconds: 0).text == "1970-01-01 00:00:00 UTC")
    #expect(UTCTime(nanoseconds: -1).text == "1969-12-31 23:59:59 UTC")
    #expect(UTCTime(nanoseconds: 951_782_400_123_456_789).text == "2000-02-29 00:00:00 UTC")
    #expect(StepGroup.fold(["10", "9", "1e1"]) == "9,10,1e1")
    #expect(StepGroup.fold(["b", "a", "e", "d", "c"]) == "a…e (5)")
    #expect(listed(["a", "b", "c"], limit: 2) == "a, b, c")
    #expect(listed(["a", "b", "c", "d"], limit: 2) == "a, b and 2 more")
  }
}
