import RungCore
import Testing

@testable import RungCLI
@testable import RungEngine

/// What is drawn of a run that goes on, with time standing still.
@Suite struct LiveScreenTests {
  static let second: Int64 = 1_000_000_000

  /// A sweep of 610 instances, 95 seconds after its start.
  static func picture() -> RunPicture {
    var picture = RunPicture([
      .init(path: "sweep/data", total: 20), .init(path: "sweep/fit", total: 500, each: 4),
      .init(path: "sweep/search", total: 80, isLoop: true, each: 2), .init(path: "sweep/measure", total: 8, each: 1),
      .init(path: "sweep/theory", total: 1, each: 0.5), .init(path: "sweep/figure", total: 1, each: 6),
    ])
    picture.note(.started(run: "r", instances: 610, jobs: 4), at: 0)
    for seed in 0..<20 { picture.note(.unchanged(instance: "sweep/data[seed=\(seed)]"), at: 0) }
    for seed in 0..<120 {
      let name = "sweep/fit[width=100,seed=\(seed)]"
      picture.note(.stepStarted(instance: name, step: "sweep/fit", attempt: 1, workspace: nil), at: second)
      if seed % 40 == 7 {
        picture.note(.stepFailed(failure(of: name)), at: 5 * second)
      } else {
        picture.note(
          .stepSucceeded(
            instance: name, step: "sweep/fit", duration: TimeSpan(nanoseconds: 3 * second), record: .empty),
          at: 5 * second)
      }
    }
    for (index, width) in [100, 200, 400, 800].enumerated() {
      picture.note(
        .stepStarted(
          instance: "sweep/fit[width=\(width),seed=130]", step: "sweep/fit", attempt: 1, workspace: nil),
        at: Int64(80 + index) * second)
    }
    return picture
  }

  private static func failure(of instance: String) -> StepFailure {
    StepFailure(
      instance: instance, problem: "exit code 1", command: "false", tail: [], exitCode: 1, signal: nil, record: nil,
      isMachineFault: false)
  }

  static let details: [String: LiveScreen.Detail] = [
    "sweep/fit[width=100,seed=130]": .init(
      progress: 0.42, metrics: [("step", 4200), ("loss", 0.031_42), ("gradient norm", 1.2e-7)],
      lastLine: "epoch 42: loss 0.0314, accuracy 0.97 and so on, in a line that does not fit into eighty columns at all"
    ),
    "sweep/fit[width=200,seed=130]": .init(progress: 0.5, done: "50/100"),
    "sweep/fit[width=400,seed=130]": .init(metrics: [("loss", .nan)]),
  ]

  static func screen(_ columns: Int, _ rows: Int, _ picture: RunPicture = picture()) -> LiveScreen {
    LiveScreen(
      picture: picture, details: details, load: .init(processors: 3.87, memory: 1_234_567_890), now: 95 * second,
      columns: columns, rows: rows)
  }

  @Test(arguments: [(80, 24), (200, 60), (40, 12), (24, 6)]) func looksAsRecorded(columns: Int, rows: Int) throws {
    let lines = Self.screen(columns, rows).lines.map { $0.text(Style(isOn: false), columns: columns) }
    try Golden.expect(lines.joined(separator: "\n") + "\n", is: "live-\(columns)x\(rows)")
  }

  /// Whatever runs, nothing is wider than the window or higher, and only looks are added with colours.
  @Test func fitsEveryWindow() {
    var picture = Self.picture()
    for name in ["x/fit[name=数据数据数据数据数据数据数据]", "x/fit[name=🙂🙂🙂🙂🙂]", "x/" + String(repeating: "long", count: 80)] {
      picture.note(.stepStarted(instance: name, step: "x/fit", attempt: 1, workspace: nil), at: 90 * Self.second)
    }
    for columns in 10...120 {
      for rows in [2, 5, 10, 24, 60] {
        let lines = Self.screen(columns, rows, picture).lines
        #expect(!lines.isEmpty && lines.count < max(2, rows))
        for line in lines {
          let plain = line.text(Style(isOn: false), columns: columns)
          #expect(ScreenLine.width(of: plain) <= columns)
          let coloured = line.text(Style(isOn: true), columns: columns)
          #expect(coloured.replacing(/\u{1B}\[\d+m/, with: "") == plain)
        }
      }
    }
  }

  @Test func countsEveryInstanceOnce() {
    let picture = Self.picture()
    let sum = picture.sum
    #expect([sum.done, sum.ran, sum.failed, sum.unchanged] == [140, 117, 3, 20])
    #expect(picture.running.map(\.instance).first == "sweep/fit[width=100,seed=130]" && picture.running.count == 4)
    // 380 fits at 3 s, 80 rounds at 2 s, and 8 + 0.5 + 6 s, by four at a time.
    let work: Double = 380 * 3 + 160 + 14.5
    #expect(picture.secondsLeft == work / 4)
  }

  @Test(arguments: [
    (0.0, "0"), (3, "3"), (-17, "-17"), (0.031_42, "0.0314"), (1.5, "1.500"), (123.456, "123.5"), (1234.5, "1235"),
    (1.2e-7, "1.2e-7"), (-2.5e12, "-2.5e12"), (Double.nan, "nan"), (-Double.infinity, "-inf"),
  ]) func numbersAreShort(value: Double, text: String) {
    #expect(LiveScreen.short(value) == text)
  }
}
