import RungCore
import Testing

/// What steps say of themselves.
@Suite struct StepEventsTests {
  private func events(_ text: String, piece: Int = .max) -> StepEvents {
    var events = StepEvents(keeping: true)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      events.take(rest.prefix(piece))
      rest = rest.dropFirst(piece)
    }
    events.finish()
    return events
  }

  @Test func linesMayComeInPieces() {
    let text =
      "{\"progress\": 0.25}\n\n{\"step\": 100, \"loss\": 0.5, \"grad\": {\"norm\": 2}}\n{\"loss\": 0.25, \"progress\": 7}"
    for piece in [1, 2, 3, 7, 1000] {
      let events = events(text, piece: piece)
      #expect(events.progress == 1 && events.count == 3 && events.leftOut == 0)
      #expect(events.latest.map(\.name) == ["step", "loss", "grad.norm"])
      #expect(events.latest.map(\.value) == [100, 0.25, 2])
    }
  }

  @Test func whatIsNoObjectIsLeftOut() {
    let long = "{\"a\": \"" + String(repeating: "x", count: StepEvents.longestLine) + "\"}"
    let events = events("hello\n[1]\n{\"a\": 1}\n{\"a\": \n\(long)\n{\"loss\": NaN}\n\u{0}\u{1B}[2J\n{\"b\": 2}")
    #expect(events.count == 3 && events.leftOut == 5)
    #expect(events.kept == Array("{\"a\": 1}\n{\"loss\": NaN}\n{\"b\": 2}\n".utf8))
    #expect(events.latest.map(\.name) == ["a", "loss", "b"])
  }

  @Test func thereIsAnEnd() {
    var events = StepEvents(keeping: true)
    let line = Array(("{\"a\": \"" + String(repeating: "x", count: 60_000) + "\"}\n").utf8)
    for _ in 0..<300 { events.take(line) }
    #expect(events.kept.count <= StepEvents.largest && events.count == StepEvents.largest / line.count)
    #expect(events.leftOut == 300 - events.count)
  }

  @Test func metricsAreDrawnOverTheirStep() {
    let text = "{\"step\": 10, \"loss\": 1}\n{\"step\": 20, \"loss\": 0.5, \"lr\": 3}\n{\"note\": 4}\n"
    let series = StepEvents.series(of: Array(text.utf8))
    #expect(series.map(\.name) == ["loss", "lr", "note"] && series.map(\.over) == ["step", "step", nil])
    #expect(series[0].points.map(\.x) == [10, 20] && series[0].points.map(\.y) == [1, 0.5])
    #expect(series[2].points.map(\.x) == [3])
  }

  @Test(arguments: [
    ("  0%|          | 0/100 [00:00<?, ?it/s]", 0.0, "0/100"),
    ("fit:  42%|████▏     | 42/100 [00:03<00:04, 12.90it/s]", 0.42, "42/100"),
    ("100%|██████████| 1.20k/1.20k [00:03<00:00, 390it/s, loss=0.2]", 1, "1.20k/1.20k"),
    ("a 3%| 5%|5 | 1/3 [00:03]", 1.0 / 3, "1/3"), (" 37%|###7      |", 0.37, nil),
  ]) func barsOfTqdmAreRead(line: String, share: Double, done: String?) {
    let printed = PrintedProgress(line)
    #expect(printed?.share == share && printed?.done == done)
  }

  @Test(arguments: ["", "42 %", "%|", "x%|y|", "101%|x| 1/2", "50%|never closed", "epoch 3"])
  func otherLinesAreNoBars(line: String) {
    #expect(PrintedProgress(line) == nil)
  }
}
