import RungCore
import RungModel
import Testing

@testable import RungClaims

/// Verdicts from made-up results, each with a value that can be worked out by hand.
struct JudgeTests {
  static let fit = StepOutput(pipeline: "p", step: "fit", output: "m", form: .files, source: "fit.m")

  static func pointer(_ tokens: String...) -> Claim.Quantity {
    .pointer(Claim.Pointer(output: fit, place: JSONPointer(tokens: tokens)))
  }

  /// What `fit` made: an axis `width`, and replicates along `seed`.
  static func evidence(_ results: [(width: Int, values: [String])]) -> [String: Evidence] {
    let seeds = results.map(\.values.count).max() ?? 0
    let axes = [
      Axis(name: "width", values: results.map { AxisValue(label: "\($0.width)", value: .int($0.width)) }),
      Axis(
        name: "seed", values: (0..<seeds).map { AxisValue(label: "\($0)", value: .int($0)) }, isReplicate: true),
    ]
    let members = results.flatMap { result in
      result.values.enumerated().map { seed, text in
        Evidence.Member(
          values: [
            AxisValue(label: "\(result.width)", value: .int(result.width)),
            AxisValue(label: "\(seed)", value: .int(seed)),
          ],
          document: (try? JSON(parsing: Array(text.utf8))).map { .value($0) } ?? .unreadable("it is no JSON"))
      }
    }
    return ["fit.m": Evidence(axes: axes, members: members)]
  }

  static func numbers(_ values: [Double]) -> [String] { values.map { "{\"loss\": \($0)}" } }

  static func verdict(
    _ bound: Claim.Bound, of measured: Claim.Quantity = pointer("loss"), over: [String] = [],
    where regime: [Claim.Condition] = [], by statistic: Claim.Statistic = .mean, _ evidence: [String: Evidence]
  ) -> Verdict {
    let comparison = Claim.Comparison(
      measured: measured, bound: bound, over: over, regime: regime, statistic: statistic)
    return Judge.verdict(
      on: Claim(name: "c", test: .comparison(comparison)), comparison, evidence: evidence)
  }

  static func number(_ value: Double) -> Claim.Quantity { .number(value, name: nil) }

  // Mean 10, deviation 1, n = 4: half the interval is 3.182 / 2 = 1.591.
  static let four = evidence([(1, numbers([9, 9, 11, 11].map { 10 + ($0 - 10) * 0.866_025_403_784_438_6 }))])

  @Test func theIntervalOfAMeanIsStudents() throws {
    let cell = Self.verdict(.within(.absolute(2), of: Self.number(10)), Self.four).worst
    #expect(cell.measured == 10)
    #expect(cell.count == 4)
    let interval = try #require(cell.interval)
    #expect(abs(interval.upperBound - 11.591) < 0.001)
    #expect(abs(interval.lowerBound - 8.409) < 0.001)
  }

  @Test func theWholeIntervalDecides() {
    #expect(Self.verdict(.within(.absolute(2), of: Self.number(10)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.absolute(1), of: Self.number(10)), Self.four).word == .undecided)
    #expect(Self.verdict(.within(.absolute(1), of: Self.number(13)), Self.four).word == .breaks)
    #expect(Self.verdict(.within(.relative(0.2), of: Self.number(10)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.log(0.2), of: Self.number(10)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.log(0.1), of: Self.number(10)), Self.four).word == .undecided)
    #expect(Self.verdict(.within(.sigma(1), of: Self.number(10.9)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.sigma(1), of: Self.number(11.1)), Self.four).word == .breaks)
    #expect(Self.verdict(.within(.standardErrors(2), of: Self.number(10.9)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.standardErrors(2), of: Self.number(11.1)), Self.four).word == .breaks)
    #expect(Self.verdict(.within(.interval, of: Self.number(11.5)), Self.four).word == .holds)
    #expect(Self.verdict(.within(.interval, of: Self.number(11.7)), Self.four).word == .breaks)
  }

  @Test func oneSidedClaims() {
    #expect(Self.verdict(.atMost(Self.number(12)), Self.four).word == .holds)
    #expect(Self.verdict(.atMost(Self.number(11)), Self.four).word == .undecided)
    #expect(Self.verdict(.atMost(Self.number(8)), Self.four).word == .breaks)
    #expect(Self.verdict(.atLeast(Self.number(8)), Self.four).word == .holds)
    #expect(Self.verdict(.atLeast(Self.number(12)), Self.four).word == .breaks)
  }

  @Test func anExactZero() {
    let zeros = Self.evidence([(1, Self.numbers([0, 0, 0]))])
    #expect(Self.verdict(.within(.absolute(0), of: Self.number(0)), zeros).word == .holds)
    let almost = Self.evidence([(1, Self.numbers([0, 0, 1e-300]))])
    #expect(Self.verdict(.within(.absolute(0), of: Self.number(0)), almost).word != .holds)
    let relative = Self.verdict(.within(.relative(0.1), of: Self.number(0)), zeros)
    #expect(relative.word == .error)
    #expect(relative.worst.problem?.contains("use 'absolute'") == true)
  }

  /// So many more replicates with the same spread, and the claim is decided; one fewer, and it is not.
  @Test func whatIsUndecidedSaysHowManyReplicatesWouldDecide() throws {
    let verdict = Self.verdict(.within(.absolute(1), of: Self.number(10.2)), Self.four)
    #expect(verdict.word == .undecided)
    let more = try #require(verdict.worst.more)
    func half(_ n: Int) -> Double { Student.quantile(n - 1) / Double(n).squareRoot() }
    #expect(half(4 + more) < 0.8)
    #expect(half(4 + more - 1) >= 0.8)
  }

  @Test func aMedianShrugsOffAHeavyTail() {
    let tail = Self.evidence([(1, Self.numbers([1, 1.01, 0.99, 1.02, 0.98, 1, 1.01, 0.99, 1, 1e9]))])
    #expect(Self.verdict(.within(.relative(0.05), of: Self.number(1)), by: .median, tail).word == .holds)
    #expect(Self.verdict(.within(.relative(0.05), of: Self.number(1)), tail).word == .undecided)
  }

  @Test func thePowerOfAPowerLaw() throws {
    let widths = [8, 16, 32, 64]
    func law(_ exponent: Double) -> [String: Evidence] {
      Self.evidence(
        widths.map { width in
          (width, Self.numbers([0.9, 1, 1.1].map { $0 * power(width, exponent) }))
        })
    }
    let slope = Claim.Quantity.exponent(
      of: Claim.Pointer(output: Self.fit, place: JSONPointer(tokens: ["loss"])), along: .axis("width"))
    let verdict = Self.verdict(.within(.absolute(0.01), of: Self.number(-0.5)), of: slope, law(-0.5))
    #expect(verdict.word == .holds)
    #expect(abs(try #require(verdict.worst.measured) + 0.5) < 1e-12)
    #expect(Self.verdict(.within(.absolute(0.1), of: Self.number(-1)), of: slope, law(-0.5)).word == .breaks)
    let only = [Claim.Condition(axis: "width", relation: .atLeast, value: 32)]
    #expect(
      Self.verdict(.within(.absolute(0.01), of: Self.number(-0.5)), of: slope, where: only, law(-0.5)).word == .holds)
    let negative = Self.evidence([(8, ["{\"loss\": -1}"]), (16, ["{\"loss\": 1}"])])
    #expect(
      Self.verdict(.atMost(Self.number(0)), of: slope, negative).worst.problem?.contains("positive numbers") == true)
  }

  /// The jackknife error of a slope, against the spread of slopes over many made-up experiments.
  @Test func theErrorOfAnExponentIsThatOfRepetition() {
    var random = Random(state: 7)
    var slopes: [Double] = []
    var errors: [Double] = []
    for _ in 0..<400 {
      let x = [1.0, 2, 4, 8]
      let y = x.map { value in (0..<8).map { _ in value * (1 + 0.2 * random.normal()) } }
      let estimate = Estimate.exponent(x: x, y: y, by: .mean)
      slopes.append(estimate.value)
      errors.append(estimate.error ?? 0)
    }
    let spread = Estimate(of: slopes).deviation ?? 0
    let mean = errors.reduce(0, +) / Double(errors.count)
    #expect(abs(mean / spread - 1) < 0.15)
  }

  private func power(_ width: Int, _ exponent: Double) -> Double {
    // Widths are powers of two, and so are their square roots up to a factor that the mean of logs removes.
    var value = 1.0
    var rest = width
    while rest > 1 {
      value *= exponent == -0.5 ? 0.707_106_781_186_547_6 : 0.5
      rest /= 2
    }
    return value
  }

  @Test func cellsAreJudgedEachAndTheWorstIsShown() {
    let evidence = Self.evidence([(1, ["{\"loss\": 1}"]), (2, ["{\"loss\": 2}"]), (4, ["{\"loss\": 9}"])])
    let verdict = Self.verdict(.within(.relative(0.1), of: .axis("width")), over: ["width"], evidence)
    #expect(verdict.word == .breaks)
    #expect(verdict.cells.map(\.word) == [.holds, .holds, .breaks])
    #expect(verdict.worst.at == [JSON.Member("width", "4")])
    let regime = [Claim.Condition(axis: "width", relation: .below, value: 4)]
    #expect(
      Self.verdict(.within(.relative(0.1), of: .axis("width")), over: ["width"], where: regime, evidence).word == .holds
    )
    let problem = Self.verdict(.atMost(Self.number(3)), evidence).worst.problem
    #expect(problem == "fit.m has 3 values of the axis 'width': name it in 'over', or choose one by 'where'")
    let nowhere = [Claim.Condition(axis: "width", relation: .above, value: 99)]
    #expect(
      Self.verdict(.atMost(Self.number(3)), over: ["width"], where: nowhere, evidence).worst.problem
        == "no instance of fit.m lies where width > 99")
  }

  @Test func aStarStandsForEachMember() {
    let list = Self.evidence([(1, ["{\"c\": [{\"m\": 1, \"p\": 1.05}, {\"m\": 2, \"p\": 4}]}"])])
    let verdict = Self.verdict(
      .within(.relative(0.1), of: Self.pointer("c", "*", "p")), of: Self.pointer("c", "*", "m"), list)
    #expect(verdict.cells.map(\.word) == [.holds, .breaks])
    #expect(verdict.worst.at == [JSON.Member("at", "/c/1/m")])
    let own = Self.evidence([(1, ["{\"c\": {\"value\": 1, \"interval\": [0.5, 1.5], \"n\": 12}}"])])
    let cell = Self.verdict(.within(.absolute(0.6), of: Self.number(1)), of: Self.pointer("c"), own).worst
    #expect(cell.interval == 0.5...1.5)
    #expect(cell.count == 12)
    #expect(cell.word == .holds)
    let power = Claim.Quantity.exponent(
      of: Claim.Pointer(output: Self.fit, place: JSONPointer(tokens: ["y", "*"])),
      along: .pointer(Claim.Pointer(output: Self.fit, place: JSONPointer(tokens: ["x", "*"]))))
    let law = Self.evidence([(1, ["{\"x\": [1, 2, 4], \"y\": [3, 12, 48]}"])])
    #expect(Self.verdict(.within(.absolute(1e-9), of: Self.number(2)), of: power, law).word == .holds)
  }

  @Test(arguments: [
    ("{\"los\": 1}", "there is nothing at fit.m[width=1,seed=0]#/loss; is 'los' meant?"),
    ("{\"loss\": \"high\"}", "fit.m[width=1,seed=0]#/loss is no number but the text \"high\""),
    ("{\"loss\": NaN}", "fit.m[width=1,seed=0]#/loss is nan"),
    ("{\"loss\": Infinity}", "fit.m[width=1,seed=0]#/loss is inf"),
    ("{\"loss\": null}", "fit.m[width=1,seed=0]#/loss is null, not a number"),
    ("{\"loss\": true}", "fit.m[width=1,seed=0]#/loss is a truth value, not a number"),
    ("{\"loss\": [1, 2]}", "fit.m[width=1,seed=0]#/loss is a list of 2, not a number; '*' stands for each"),
    ("{\"loss\": {}}", "fit.m[width=1,seed=0]#/loss is an object, not a number; '*' stands for each member"),
    ("[1]", "there is nothing at fit.m[width=1,seed=0]#/loss; the list there has 1 items"),
    ("loss", "fit.m[width=1,seed=0] cannot be read: it is no JSON"),
  ])
  func whatIsNoNumberIsSaidToBeNone(document: String, problem: String) {
    let verdict = Self.verdict(.atMost(Self.number(3)), Self.evidence([(1, [document])]))
    #expect(verdict.word == .error)
    #expect(verdict.worst.problem == problem)
  }
}

/// Numbers that are the same every time (SplitMix64), normal by the sum of twelve.
private struct Random {
  var state: UInt64

  mutating func normal() -> Double {
    (0..<12).reduce(-6.0) { sum, _ in
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return sum + Double((z ^ (z >> 31)) >> 11) / 9_007_199_254_740_992
    }
  }
}
