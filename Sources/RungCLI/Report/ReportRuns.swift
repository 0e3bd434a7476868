import RungCore
import RungEngine
import RungLedger
import RungReport
import RungStore
import RungTrace

/// The runs that a report shows: the newest, and those that made what is published.
struct ReportRuns {
  /// The newest first.
  private(set) var values: [RunValues] = []
  /// How many there are that are not shown.
  private(set) var older = 0

  private let session: Session
  private let lineage: Lineage
  // How many more records may be read that the lineage does not have.
  private var readable = 20_000
  // By collection and run: its member that ended last there.
  private var lastMembers: [Digest: Int?] = [:]

  private static let most = 20

  init(session: Session, lineage: Lineage, wanted: Set<String>) throws {
    self.session = session
    self.lineage = lineage
    let rows = try session.ledger.runs(project: session.projectName, limit: .max)
    let shown = rows.enumerated().filter { $0.offset < Self.most || wanted.contains($0.element.id) }.map(\.element)
    older = rows.count - shown.count
    let records = Dictionary(
      grouping: try session.ledger.records(ofRuns: shown.map(\.id), project: session.projectName), by: \.run)
    for row in shown { values.append(run(row, records[row.id] ?? [])) }
  }

  private mutating func run(_ row: RunRow, _ rows: [RecordRow]) -> RunValues {
    var values = RunValues(
      id: row.id, started: row.started, finished: row.finished, arguments: ReportWords.command(row.arguments),
      ran: row.ran,
      unchanged: row.unchanged, restored: row.restored, failed: row.failed, skipped: row.skipped)
    if let commit = row.commit {
      values.facts.append(
        NamedText("Commit", "\(commit.prefix(12))\(row.dirty == true ? ", with uncommitted changes" : "")"))
    }
    if let record = row.record.flatMap({ try? session.store.readRecord($0) }).flatMap(RunRecord.init(bytes:)) {
      values.facts += [
        NamedText("Host", record.host), NamedText("Profile", record.overrides.profile ?? ""),
        NamedText("Set", record.overrides.set.joined(separator: ", ")),
        NamedText("Over", record.overrides.over.joined(separator: ", ")), NamedText("Rung", record.version),
      ].filter { !$0.text.isEmpty }
    }
    let places = Dictionary(rows.enumerated().map { ($1.record, $0) }, uniquingKeysWith: { first, _ in first })
    lastMembers = [:]
    for entry in rows {
      let record = record(entry.record)
      values.executions.append(
        RunValues.Execution(
          instance: entry.instance, step: "\(entry.pipeline)/\(entry.step)", start: entry.started - row.started,
          duration: entry.duration, cpu: record?.cpu, memory: record?.peakMemory, outcome: entry.outcome,
          needs: needs(record, places, rows), outputs: record?.outputs.map(\.digest.short) ?? []))
    }
    return values
  }

  private mutating func record(_ digest: Digest) -> Record? {
    if let known = lineage.execution(digest) { return known.record }
    guard readable > 0 else { return nil }
    readable -= 1
    return (try? session.store.readRecord(digest)).flatMap { Record(bytes: $0, onlyCommandField: true) }
  }

  private mutating func needs(_ record: Record?, _ places: [Digest: Int], _ rows: [RecordRow]) -> [Int] {
    guard let record else { return [] }
    return record.inputs.compactMap { input in
      switch input.source {
      case .project, .files: return nil
      case .step(_, _, let maker): return places[maker]
      case .collection(let digest, _):
        if let known = lastMembers[digest] { return known }
        let members = collection(digest)?.members.compactMap { places[$0.record] } ?? []
        let last = members.max { rows[$0].started &+ rows[$0].duration < rows[$1].started &+ rows[$1].duration }
        lastMembers[digest] = .some(last)
        return last
      }
    }
  }

  private func collection(_ digest: Digest) -> RungLedger.Collection? {
    lineage.collections[digest]
      ?? (try? session.store.read(digest, limit: 1 << 28)).flatMap(RungLedger.Collection.init(bytes:))
  }
}
