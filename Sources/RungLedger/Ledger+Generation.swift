import RungCore
import RungDatabase

/// Which state of a ledger this is, as far as it decides what is up to date.
public struct LedgerGeneration: Hashable, Sendable {
  /// Of the file: another one when the ledger was made anew.
  public let id: String
  /// Grows with each commit that can change what is up to date.
  public var count: Int64

  /// A generation.
  public init(id: String, count: Int64) {
    self.id = id
    self.count = count
  }

  /// A text for both.
  public var text: String { "\(id) \(count)" }
}

extension Ledger {
  /// The generation now; nil where the ledger has none, because it is of an earlier version and can only be read.
  public func generation() throws(LedgerError) -> LedgerGeneration? {
    try read { database throws(LedgerError) in try? Self.generation(of: database) }
  }

  static func generation(of database: Database) throws(LedgerError) -> LedgerGeneration? {
    try database.rows(Schema.generation) { LedgerGeneration(id: $0.text(0), count: $0.int(1)) }.first
  }
}

/// A ledger as far as it tells whether anything has changed, without the cost of opening all of it. For one thread.
public final class LedgerGlance {
  private let database: Database
  /// The generation.
  public let generation: LedgerGeneration

  /// Looks at the ledger in a file; nil when there is none, or none that this version can glance at.
  public init?(path: String) {
    guard let database = try? Database(path: path, title: Ledger.title, .read),
      (try? database.rows("PRAGMA application_id") { $0.int(0) }.first) == Schema.applicationID,
      (try? database.rows("PRAGMA user_version") { $0.int(0) }.first) == Schema.version,
      let generation = (try? Ledger.generation(of: database)) ?? nil
    else { return nil }
    self.database = database
    self.generation = generation
  }

  /// A remembered fact, or nil.
  public func probe(_ name: String) -> String? {
    (try? database.rows("SELECT text FROM probe WHERE name = ?", [.text(name)]) { $0.text(0) }.first) ?? nil
  }
}

extension LedgerChanges {
  /// Whether these rows can change what is up to date. What only saves time (hashes, durations), what is told of a run,
  /// and what decides how long results are kept does not.
  var advance: Bool {
    !actions.isEmpty || !history.isEmpty || !published.isEmpty || !collected.isEmpty || !acceptances.isEmpty
  }
}
