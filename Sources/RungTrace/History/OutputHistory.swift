import RungCore
import RungLedger
import RungStore

/// Every value that the outputs of some instances had, newest first: when, by which run, and what differed in what went
/// in.
public struct OutputHistory: Sendable {
  /// An output as one execution made it.
  public struct Value: Sendable {
    /// The output's name.
    public let name: String
    /// Where it lay in the workspace.
    public let path: String
    /// The content.
    public let digest: Digest
    /// In bytes.
    public let size: Int64
    /// True when its bytes are not in the cache any more.
    public let isGone: Bool
    /// True when the result before had the same content.
    public let isUnchanged: Bool
    /// The numbers in it, by JSON pointer (RFC 6901), in the order of the file; nil when it is not JSON, or gone.
    public let numbers: [Number]?
  }

  /// A number in an output.
  public struct Number: Hashable, Sendable {
    /// Its JSON pointer.
    public let path: String
    /// As it was written.
    public let text: String
  }

  /// What happened once.
  public struct Entry: Sendable {
    /// The instance.
    public let instance: String
    /// What happened, in the words of the history: `ran`, `forced`, `rebuilt`, `cached`, `failed`, `interrupted`.
    public let outcome: String
    /// When, in nanoseconds since 1970.
    public let at: Int64
    /// The run.
    public let run: String
    /// The key.
    public let key: Digest
    /// The record; nil when there is none.
    public let record: Digest?
    /// The host of the execution; nil when its record cannot be read.
    public let host: String?
    /// The commit that it was made at.
    public let commit: String?
    /// Whether files differed from that commit.
    public let dirty: Bool?
    /// Why it failed; nil for a success.
    public let problem: String?
    /// What it made; empty for a failure.
    public let outputs: [Value]
    /// What differs from the entry before it.
    public let changes: [FieldChange]
  }

  /// Newest first.
  public let entries: [Entry]
  /// True when there are older ones.
  public let isCut: Bool

  // The largest output that is looked into, in bytes.
  private static let largest: Int64 = 16 << 20

  /// The history of instances of one step, or of one instance.
  ///
  /// - Parameters:
  ///   - name: `pipeline/step`, or an instance.
  ///   - output: only this output; nil for all.
  ///   - limit: at most so many entries, at least one.
  ///
  /// Throws when the ledger cannot be read; a record that is lost gives an entry that says little.
  public static func of(
    _ name: String, output: String?, limit: Int, store: ObjectStore, ledger: Ledger, project: String
  ) throws(TraceError) -> OutputHistory {
    let limit = max(1, limit)
    do throws(LedgerError) {
      // Copies that were put back are no news of the output.
      let (most, isTooMany) = limit.addingReportingOverflow(1)
      let found = try ledger.history(project: project, named: name, limit: isTooMany ? limit : most)
      var reader = Reader(store: store, output: output)
      var entries: [Entry] = []
      for entry in found.prefix(limit) {
        let before = try ledger.entry(before: entry)
        entries.append(reader.entry(entry, before: before))
      }
      return OutputHistory(entries: entries, isCut: found.count > limit)
    } catch {
      throw TraceError(.cache, error.message, notes: ["`rung cache rebuild-index` makes the index anew"])
    }
  }

  private struct Reader {
    let store: ObjectStore
    let output: String?
    var comparison: FieldComparison
    var records: [Digest: Record] = [:]

    init(store: ObjectStore, output: String?) {
      self.store = store
      self.output = output
      comparison = FieldComparison(store: store)
    }

    mutating func record(_ digest: Digest?) -> Record? {
      guard let digest else { return nil }
      if let known = records[digest] { return known }
      guard let bytes = try? store.readRecord(digest), let record = Record(bytes: bytes) else { return nil }
      records[digest] = record
      return record
    }

    mutating func entry(_ entry: HistoryEntry, before: HistoryEntry?) -> Entry {
      let record = record(entry.record)
      let previous = self.record(before?.record)
      let isSuccess = !entry.isFailure
      let made = isSuccess ? record?.outputs.filter { output == nil || $0.name == output } ?? [] : []
      return Entry(
        instance: entry.instance, outcome: entry.outcome, at: entry.at, run: entry.run, key: entry.key,
        record: entry.record, host: record?.host, commit: record?.commit, dirty: record?.dirty,
        problem: isSuccess ? nil : record?.problem, outputs: made.map { value($0, previous) },
        changes: record.map { comparison.changes(from: previous, to: $0) } ?? [])
    }

    private func value(_ made: Record.Output, _ previous: Record?) -> Value {
      let isGone = !store.contains(made.digest)
      var numbers: [Number]?
      if !isGone, made.path.hasSuffix(".json"), let bytes = try? store.read(made.digest, limit: largest),
        let table = NumberTable(bytes)
      {
        numbers = table.entries.map { Number(path: $0.path, text: $0.text) }
      }
      return Value(
        name: made.name, path: made.path, digest: made.digest, size: made.size, isGone: isGone,
        isUnchanged: previous?.outputs.first { $0.name == made.name }?.digest == made.digest, numbers: numbers)
    }
  }
}
