import RungCore
import RungModel

/// How a claim came out.
public struct Verdict: Hashable, Sendable {
  /// The word for it.
  public enum Word: String, Hashable, Sendable, CaseIterable {
    /// The measurement agrees, with its whole interval.
    case holds
    /// It disagrees, with its whole interval.
    case breaks
    /// The interval covers both.
    case undecided
    /// It cannot be judged: a number is missing, or is none.
    case error
  }

  /// One of the places where a claim was examined.
  public struct Cell: Hashable, Sendable {
    /// The labels of the axes, and the way of what `*` met.
    public var at: [JSON.Member]
    /// What theory says.
    public var predicted: Double?
    /// What was measured.
    public var measured: Double?
    /// Its 95 % interval.
    public var interval: ClosedRange<Double>?
    /// How many replicates it comes from.
    public var count: Int
    /// How it came out.
    public var word: Word
    /// About how many more replicates would decide it, should the mean and the spread stay; nil when it is decided or no
    /// number would.
    public var more: Int?
    /// What is the matter, when it cannot be judged.
    public var problem: String?
    // How far it is from holding: larger is worse.
    var excess = 0.0
  }

  /// The claim.
  public var claim: Claim
  /// Of all cells together.
  public var word: Word
  /// The cell that decides: the worst.
  public var worst: Cell
  /// Every cell, at least one.
  public var cells: [Cell]

  /// Whether it came out as its author expects.
  public var isAsExpected: Bool { word.rawValue == claim.expectation.rawValue }

  init(_ claim: Claim, cells: [Cell]) {
    self.claim = claim
    self.cells = cells
    func first(_ wanted: Word) -> Bool { cells.contains { $0.word == wanted } }
    word = first(.error) ? .error : first(.breaks) ? .breaks : first(.undecided) ? .undecided : .holds
    let word = word
    let deciding = cells.filter { $0.word == word }
    worst = deciding.max { $0.excess < $1.excess } ?? cells[0]
  }

  /// For programs: docs/formats/claims.md.
  public func json(pipeline: String) -> JSON {
    var tolerance: JSON = .null
    switch claim.test {
    case .comparison(let comparison):
      switch comparison.bound {
      case .within(let within, _): tolerance = .string(within.text)
      case .atMost: tolerance = "at most"
      case .atLeast: tolerance = "at least"
      }
    case .independence: tolerance = "independent"
    }
    var members: [JSON.Member] = [
      .init("name", .string(claim.name)), .init("pipeline", .string(pipeline)), .init("says", .optional(claim.says)),
    ]
    members += worst.members
    members += [
      .init("tolerance", tolerance), .init("verdict", .string(word.rawValue)),
      .init("expected", .string(claim.expectation.rawValue)), .init("as_expected", .bool(isAsExpected)),
      .init("claim", claim.definition),
    ]
    if cells.count > 1 {
      members.append(
        .init(
          "cells", .array(cells.map { cell in .object(cell.members + [.init("verdict", .string(cell.word.rawValue))]) })
        ))
    }
    return .object(members)
  }
}

extension Verdict.Cell {
  fileprivate var members: [JSON.Member] {
    var members: [JSON.Member] = [
      .init("predicted", predicted.map { .double($0) } ?? .null),
      .init("measured", measured.map { .double($0) } ?? .null),
      .init("interval", interval.map { .array([.double($0.lowerBound), .double($0.upperBound)]) } ?? .null),
      .init("n", .int(count)),
    ]
    if !at.isEmpty { members.append(.init("at", .object(at))) }
    if let more { members.append(.init("more_replicates", .int(more))) }
    if let problem { members.append(.init("problem", .string(problem))) }
    return members
  }
}
