import Glibc
import RungCore
import RungLedger
import RungStore

/// Finds out what a file is: which execution made it. By content, else by its stamp, so the file may lie anywhere under
/// any name.
public struct Tracer: Sendable {
  let store: ObjectStore
  let ledger: Ledger
  let project: String
  private let root: String

  /// A tracer of a project's cache.
  ///
  /// - Parameters:
  ///   - project: how the ledger calls the project.
  ///   - root: the project's folder, absolute.
  public init(store: ObjectStore, ledger: Ledger, project: String, root: String) {
    self.store = store
    self.ledger = ledger
    self.project = project
    self.root = root
  }

  /// The file or folder at a path (absolute, or from the process's folder), traced back to all its sources.
  ///
  /// Throws when it cannot be read, or when no record names its bytes as an output; a lineage with gaps is not an
  /// error.
  public func trace(fileAt path: String) throws(TraceError) -> Trace {
    let subject = try find(fileAt: path)
    return complete(subject)
  }

  /// An output by its digest, traced back to all its sources. Throws when no record names it; a lineage with gaps is not
  /// an error.
  public func trace(digest: Digest) throws(TraceError) -> Trace {
    let subject = try find(digest.description, digest, place: nil)
    return complete(subject)
  }

  /// The first output of the execution that a record tells of, traced back to all its sources. Throws when the record is
  /// gone or made nothing.
  public func trace(record digest: Digest) throws(TraceError) -> Trace {
    guard let bytes = try? store.readRecord(digest), let record = Record(bytes: bytes) else {
      throw TraceError(.cache, "the record \(digest) is not in the cache")
    }
    guard let output = record.outputs.first else {
      throw TraceError(.notAnOutput, "\(record.instance) has made nothing: it ended as '\(record.outcome.rawValue)'")
    }
    let subject = Trace.Subject(
      file: record.instance, digest: output.digest, instance: record.instance, output: output.name, record: digest,
      publishedAt: nil, alsoMadeBy: [])
    return complete(subject)
  }

  private func complete(_ subject: Trace.Subject) -> Trace {
    let lineage = Lineage.of(records: [subject.record], store: store)
    return Trace(
      subject: subject, lineage: lineage,
      audit: Audit.of(lineage.executions.map { ($0.digest, $0.record) }, ledger: ledger, store: store))
  }

  /// What the file or folder at a path is. Where several executions made the same bytes: the one that published the
  /// file at this path, else the newest that published it anywhere in the project, else the newest. Throws like
  /// `trace(fileAt:)`.
  public func find(fileAt path: String) throws(TraceError) -> Trace.Subject {
    let content = try PathDigest(at: path)
    do {
      return try find(path, content.digest, place: placeInProject(path))
    } catch {
      if error.code == .cache || content.isTree { throw error }
      return try find(stampedFileAt: path, content.digest, otherwise: error)
    }
  }

  // `name` is what the user asked for, `place` its path in the project.
  func find(_ name: String, _ digest: Digest, place: String?) throws(TraceError) -> Trace.Subject {
    do {
      let published = try ledger.published(project: project)
      let candidates = try candidates(digest, place, published)
      if let first = candidates.first {
        // The record of the first may be damaged although another one says the same.
        let chosen = candidates.first { isReadable($0.record) } ?? first
        return Trace.Subject(
          file: name, digest: digest, instance: chosen.instance, output: chosen.output, record: chosen.record,
          publishedAt: chosen.publishedAt, alsoMadeBy: candidates.filter { $0 != chosen })
      }
      if let place, let found = member(place, digest, published) {
        return Trace.Subject(
          file: name, digest: digest, instance: found.instance, output: found.output, record: found.record,
          publishedAt: found.path, alsoMadeBy: [])
      }
      throw try unknown(name, digest, place, published)
    } catch let error as TraceError {
      throw error
    } catch let error as LedgerError {
      throw TraceError(.cache, error.message, notes: ["`rung cache rebuild-index` makes the index anew"])
    } catch {
      throw TraceError(.cache, "\(error)")
    }
  }

  // All outputs with these bytes, the best first.
  private func candidates(
    _ digest: Digest, _ place: String?, _ published: [PublishedRow]
  ) throws(LedgerError) -> [Trace.Maker] {
    var rows: [Digest: RecordRow] = [:]
    for row in try ledger.records(withOutput: digest) where row.outcome == Record.Outcome.succeeded.rawValue {
      rows[row.record] = row
    }
    let copies = published.filter { $0.digest == digest }
    var makers: [(maker: Trace.Maker, rank: Int)] = []
    for output in try ledger.outputs(withDigest: digest) {
      guard let row = rows[output.record] else { continue }
      let mine = copies.filter { $0.record == output.record && $0.output == output.name }
      let copy = mine.first { $0.path == place } ?? mine.first
      let maker = Trace.Maker(
        instance: copy?.instance ?? row.instance, output: output.name, record: output.record, started: row.started,
        publishedAt: copy?.path)
      makers.append((maker, copy == nil ? 2 : copy?.path == place ? 0 : 1))
    }
    return makers.sorted { a, b in
      (a.rank, -a.maker.started, a.maker.record, a.maker.output)
        < (b.rank, -b.maker.started, b.maker.record, b.maker.output)
    }.map(\.maker)
  }

  private func isReadable(_ record: Digest) -> Bool {
    ((try? store.readRecord(record)).flatMap(Record.init(bytes:))) != nil
  }

  // The published folder that has this content at this place.
  private func member(_ place: String, _ digest: Digest, _ published: [PublishedRow]) -> PublishedRow? {
    for row in published where place.hasPrefix(row.path + "/") {
      var current = row.digest
      for (index, name) in place.dropFirst(row.path.count + 1).split(separator: "/").enumerated() {
        guard index < 200, let entry = (try? store.tree(current))?[String(name)] else { break }
        switch entry.kind {
        case .file(let content, _, _), .directory(let content, _): current = content
        case .link: break
        }
      }
      if current == digest { return row }
    }
    return nil
  }

  private func unknown(
    _ path: String, _ digest: Digest, _ place: String?, _ published: [PublishedRow]
  ) throws(LedgerError) -> TraceError {
    if let row = published.first(where: { $0.path == place }) {
      return TraceError(
        .changed, "\(path) is not what was published there: it was changed afterwards",
        notes: [
          "\(row.instance) published its output '\(row.output)' there, \(row.digest)", "now it is \(digest)",
          "`rung run \(row.path)` puts the published file back and keeps this one in the cache",
        ], published: row)
    }
    let paths = try ledger.statCache(project: project).filter { $0.digest == digest }.map(\.path)
    if let source = paths.first(where: { $0 == place }) ?? paths.first {
      let name = source == place ? "\(path) is a source" : "\(path) has the content of \(source), which is a source"
      return TraceError(
        .source, "\(name): steps read it, none made it",
        notes: [
          "its digest is \(digest)", "`rung trace` answers for files that steps made, such as a published figure",
        ])
    }
    if store.contains(digest) {
      return TraceError(
        .source, "\(path) is in the cache, but no step made it: it is something that steps read, or a log",
        notes: [
          "its digest is \(digest)", "`rung trace` answers for files that steps made, such as a published figure",
        ])
    }
    return TraceError(
      .notAnOutput, "nothing in this cache has made \(path)",
      notes: [
        "no record of the cache \(store.path) has an output with its digest, \(digest)",
        "if it was edited, converted or compressed after it was made, trace the original",
        "if it was made in another project or cache, ask there; if the index may be incomplete, run "
          + "`rung cache rebuild-index`",
      ])
  }

  // Where a path lies in the project; nil outside. The last component is not resolved: a link has a place of its own.
  func placeInProject(_ path: String) -> String? {
    let (folder, name): (String, Substring)
    var trimmed = Substring(path)
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
    if let slash = trimmed.lastIndex(of: "/") {
      folder = slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
      name = trimmed[trimmed.index(after: slash)...]
    } else {
      (folder, name) = (".", trimmed)
    }
    guard let place = Self.resolved(folder), let base = Self.resolved(root) else { return nil }
    guard let path = RelativePath(name, in: RelativePath(place.dropFirst()) ?? .root) else { return nil }
    guard let top = RelativePath(base.dropFirst()), path.isInside(top) else { return nil }
    return top.text.isEmpty ? path.text : String(path.text.dropFirst(top.text.count + 1))
  }

  private static func resolved(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
}
