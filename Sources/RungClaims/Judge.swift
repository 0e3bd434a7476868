import Glibc
import RungCore
import RungModel

/// Judges claims: pure, from what the steps made.
public enum Judge {
  /// The verdict on a comparison. What cannot be judged is a verdict, too, and never thrown.
  ///
  /// - Parameter evidence: what the steps made, by the source text of the references in the claim.
  public static func verdict(
    on claim: Claim, _ comparison: Claim.Comparison, evidence: [String: Evidence]
  ) -> Verdict {
    let measuring = Measuring(evidence: evidence, claim: comparison)
    var cells: [Verdict.Cell] = []
    do throws(ClaimProblem) {
      for cell in try measuring.cells() { cells += judged(cell, measuring) }
    } catch {
      cells = [.init(at: [], count: 0, word: .error, problem: error.message)]
    }
    return Verdict(claim, cells: cells)
  }

  /// The verdict on a claim of independence.
  ///
  /// - Parameter leaks: for each way on which the result came to see what it must not, a sentence; empty for none.
  public static func verdict(on claim: Claim, leaks: [String], problem: String? = nil) -> Verdict {
    var cell = Verdict.Cell(at: [], count: 0, word: leaks.isEmpty ? .holds : .breaks)
    if let problem {
      cell.word = .error
      cell.problem = problem
    } else {
      cell.problem = leaks.first
    }
    return Verdict(claim, cells: [cell])
  }

  private static func judged(_ cell: Measuring.Cell, _ measuring: Measuring) -> [Verdict.Cell] {
    let at = cell.labels.map { JSON.Member($0.axis, .string($0.label)) }
    do throws(ClaimProblem) {
      let measured = try measuring.estimates(of: measuring.claim.measured, in: cell)
      var predicted = try measuring.estimates(of: measuring.boundQuantity, in: cell)
      if predicted.count == 1, let only = predicted.first {
        predicted = Array(repeating: only, count: measured.count)
      }
      guard predicted.count == measured.count else {
        throw ClaimProblem("\(measured.count) values are measured and \(predicted.count) predicted")
      }
      return zip(measured, predicted).map { measured, predicted in
        var place = at
        if let way = measured.way { place.append(.init("at", .string(way))) }
        return judged(place, measured.estimate, predicted.estimate, measuring.claim.bound)
      }
    } catch {
      return [.init(at: at, count: 0, word: .error, problem: error.message)]
    }
  }

  private static func judged(
    _ at: [JSON.Member], _ measured: Estimate, _ predicted: Estimate, _ bound: Claim.Bound
  ) -> Verdict.Cell {
    var cell = Verdict.Cell(
      at: at, predicted: predicted.value, measured: measured.value, interval: measured.interval,
      count: measured.count, word: .error)
    func fail(_ problem: String) -> Verdict.Cell {
      cell.problem = problem
      return cell
    }
    // What is allowed, as a range of the measurement.
    let p = predicted.value
    var low = -Double.infinity
    var high = Double.infinity
    switch bound {
    case .atMost: high = p
    case .atLeast: low = p
    case .within(let tolerance, _):
      switch tolerance {
      case .absolute(let x):
        low = p - x
        high = p + x
      case .relative(let x):
        guard p != 0 else { return fail("a relative tolerance says nothing about a prediction of 0; use 'absolute'") }
        low = p - x * abs(p)
        high = p + x * abs(p)
      case .log(let x):
        guard p != 0, measured.value != 0, (p > 0) == (measured.value > 0) else {
          return fail("the ratio of \(measured.value) to \(p) has no logarithm")
        }
        low = min(p * exp(x), p * exp(-x))
        high = max(p * exp(x), p * exp(-x))
      case .sigma(let k), .standardErrors(let k):
        var unit = measured.deviation
        if case .standardErrors = tolerance { unit = measured.error }
        guard let unit else { return fail("there are no replicates to tell the spread from") }
        // Of the difference, when the prediction is a mean, too.
        let scale = (unit * unit + (predicted.error ?? 0) * (predicted.error ?? 0)).squareRoot()
        let off = abs(measured.value - p)
        cell.word = off <= k * scale ? .holds : .breaks
        cell.excess = off - k * scale
        return cell
      case .interval:
        guard let interval = measured.interval else { return fail("there are no replicates to form an interval from") }
        cell.word = interval.contains(p) ? .holds : .breaks
        cell.excess = max(interval.lowerBound - p, p - interval.upperBound)
        return cell
      }
    }
    // What is uncertain about the prediction counts as if it were uncertain about the measurement.
    let own = measured.interval.map { ($0.upperBound - $0.lowerBound) / 2 } ?? 0
    let other = predicted.interval.map { ($0.upperBound - $0.lowerBound) / 2 } ?? 0
    let widened = (own * own + other * other).squareRoot() - own
    let from = (measured.interval?.lowerBound ?? measured.value) - widened
    let to = (measured.interval?.upperBound ?? measured.value) + widened
    cell.excess = max(low - from, to - high)
    if from >= low, to <= high {
      cell.word = .holds
    } else if to < low || from > high {
      cell.word = .breaks
    } else {
      cell.word = .undecided
      let distance = min(abs(measured.value - low), abs(measured.value - high))
      cell.more = Self.replicates(toReach: distance, measured)
    }
    return cell
  }

  // How many more replicates make half the interval of the mean smaller than a distance.
  private static func replicates(toReach distance: Double, _ measured: Estimate) -> Int? {
    guard let deviation = measured.deviation, measured.count > 1, distance > 0, distance.isFinite else { return nil }
    func half(_ n: Int) -> Double { Student.quantile(n - 1) * deviation / Double(n).squareRoot() }
    var high = measured.count + 1
    while half(high) >= distance {
      guard high < 1_000_000 else { return nil }
      high *= 2
    }
    var low = measured.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if half(middle) < distance { high = middle } else { low = middle }
    }
    return high - measured.count
  }
}
