import Glibc
import RungCore
import RungLedger
import RungStore

/// Finds the results that a word names. See `find`.
public struct ResultFinder: Sendable {
  private let store: ObjectStore
  private let ledger: Ledger
  private let project: String
  private let tracer: Tracer
  private let resolve: @Sendable (String) -> String?

  /// A finder of a project's cache.
  ///
  /// - Parameters:
  ///   - project: how the ledger calls the project.
  ///   - root: the project's folder, absolute.
  ///   - revision: the commit that git knows under a name, in full; nil for none.
  public init(
    store: ObjectStore, ledger: Ledger, project: String, root: String,
    revision: @escaping @Sendable (String) -> String?
  ) {
    self.store = store
    self.ledger = ledger
    self.project = project
    self.resolve = revision
    tracer = Tracer(store: store, ledger: ledger, project: project, root: root)
  }

  /// The results that a word names, the first of these that it can be: `git:REV`; `last` and `last~N`, the newest run
  /// and the N-th before it; `NAME@N`, the N-th result of a step or instance before its latest; a file, by its content;
  /// a step or an instance, its latest results; a run, or the beginning of only one; a record or an output's content, by
  /// its digest or a beginning of six digits; a revision that git knows.
  ///
  /// Throws `unknownName` when it is none of these, or several; otherwise like `Tracer`.
  public func find(_ word: String) throws(TraceError) -> ResultSet {
    try translated {
      if word.hasPrefix("git:") { return try revision(String(word.dropFirst(4)), word) }
      if let back = Self.stepsBack(word) { return try lastRun(back, word) }
      // A folder may be called like a step: what is wrong with a file is told when the word is nothing else.
      var refusal: TraceError?
      if access(word, F_OK) == 0 {
        do {
          return try single(try tracer.find(fileAt: word).record, word, .file, word)
        } catch let error as TraceError where error.code != .cache {
          refusal = error
        }
      }
      if let at = word.lastIndex(of: "@"), let back = Int(word[word.index(after: at)...]), back >= 0 {
        if let found = try results(of: String(word[..<at]), back: back, word) { return found }
      }
      if let found = try results(of: word, back: 0, word) { return found }
      let runs = try ledger.runs(project: project, prefix: word, limit: 6)
      if let run = runs.first(where: { $0.id == word }) ?? (runs.count == 1 ? runs.first : nil) {
        return try state(after: run, word, .run, run.id)
      }
      if runs.count > 1 {
        throw TraceError(
          .unknownName, "'\(word)' could be any of \(runs.count > 5 ? "many" : "\(runs.count)") runs",
          notes: runs.prefix(5).map(\.id))
      }
      if let found = try digest(word) { return found }
      if let refusal { throw refusal }
      if resolve(word) != nil { return try revision(word, word) }
      throw try unknown(word)
    }
  }

  /// What was there before some results: of a run the run before it, of a commit the newest run before it at another
  /// one, of others the result that the same instance had before.
  ///
  /// Throws `unknownName` when there was nothing before.
  public func before(_ set: ResultSet) throws(TraceError) -> ResultSet {
    try translated {
      switch set.kind {
      case .run, .revision:
        guard let name = set.run else { break }
        let samples = set.kind == .revision ? try ledger.recordsByRun(project: project) : [:]
        let runs = try ledger.runs(project: project, limit: .max).drop { $0.id != name }.dropFirst()
        if let run = runs.first(where: { run in
          guard set.kind == .revision else { return true }
          let commit = place(of: run, samples[run.id]).commit
          return commit != nil && commit != set.commit
        }) {
          return try state(after: run, run.id, .run, run.id)
        }
      case .record, .file, .instance:
        var records: [Digest] = []
        for record in set.records {
          guard let row = try ledger.row(ofRecord: record) else { continue }
          let all = try distinctResults(of: row.instance)
          if let place = all.firstIndex(of: record), place + 1 < all.count { records.append(all[place + 1]) }
        }
        if let first = records.first {
          return records.count == 1
            ? try single(first, "\(set.word)@1", .instance, set.name)
            : try many(records, "\(set.word)@1", set.name)
        }
      }
      throw TraceError(
        .unknownName, "there is nothing before '\(set.word)' to compare it with",
        notes: ["name two results: `rung diff A B`"])
    }
  }

  /// The instances that a word names: one by its name or by a file that it made, or all those of a step. Empty when it
  /// names none.
  public func instances(_ word: String) throws(TraceError) -> [String] {
    try translated {
      if access(word, F_OK) == 0, let subject = try? tracer.find(fileAt: word) { return [subject.instance] }
      return try names(word)
    }
  }

  // MARK: runs

  // `last` is 0, `last~2` is 2.
  private static func stepsBack(_ word: String) -> Int? {
    if word == "last" { return 0 }
    guard word.hasPrefix("last~") else { return nil }
    let digits = word.dropFirst(5)
    return digits.isEmpty ? 1 : Int(digits).flatMap { $0 >= 0 ? $0 : nil }
  }

  private func lastRun(_ back: Int, _ word: String) throws -> ResultSet {
    let (limit, tooMany) = back.addingReportingOverflow(1)
    let runs = tooMany ? [] : try ledger.runs(project: project, limit: limit)
    guard back < runs.count else {
      throw TraceError(
        .unknownName, runs.isEmpty ? "nothing has run yet" : "there were only \(counted(runs.count, "run"))")
    }
    return try state(after: runs[back], word, .run, runs[back].id)
  }

  private func revision(_ name: String, _ word: String) throws -> ResultSet {
    guard let commit = resolve(name) else {
      throw TraceError(.unknownName, "git knows no revision '\(name)' here")
    }
    let samples = try ledger.recordsByRun(project: project)
    let runs = try ledger.runs(project: project, limit: .max)
    guard let run = runs.first(where: { place(of: $0, samples[$0.id]).commit == commit }) else {
      throw TraceError(
        .unknownName, "no run of this cache was made at commit \(commit.prefix(12))",
        notes: ["check it out and `rung run` makes, or finds, its results"])
    }
    return try state(after: run, word, .revision, String(commit.prefix(12)))
  }

  private func state(after run: RunRow, _ word: String, _ kind: ResultSet.Kind, _ name: String) throws -> ResultSet {
    var seen: Set<Digest> = []
    let entries = try ledger.state(after: run)
    let records = entries.compactMap(\.record).filter { seen.insert($0).inserted }
    let made = entries.first { $0.run == run.id && $0.outcome != "cached" && $0.outcome != "fetched" }?.record
    let place = place(of: run, made)
    return ResultSet(
      word: word, kind: kind, name: name, records: records, run: run.id, commit: place.commit, dirty: place.dirty,
      started: run.started)
  }

  // Where a run was made: what it says itself, or else a record that it made.
  private func place(of run: RunRow, _ made: Digest?) -> (commit: String?, dirty: Bool?) {
    if let commit = run.commit { return (commit, run.dirty) }
    guard let made, let record = try? Record(bytes: store.readRecord(made)) else { return (nil, nil) }
    return (record.commit, record.dirty)
  }

  // MARK: single results

  private func single(_ record: Digest, _ word: String, _ kind: ResultSet.Kind, _ name: String) throws -> ResultSet {
    let found = try? Record(bytes: store.readRecord(record))
    return ResultSet(
      word: word, kind: kind, name: name, records: [record], run: found?.run, commit: found?.commit,
      dirty: found?.dirty, started: found?.started)
  }

  private func many(_ records: [Digest], _ word: String, _ name: String) throws -> ResultSet {
    ResultSet(
      word: word, kind: .instance, name: name, records: records, run: nil, commit: nil, dirty: nil, started: nil)
  }

  private func digest(_ word: String) throws -> ResultSet? {
    let hex = word.hasPrefix(Digest.prefix) ? String(word.dropFirst(Digest.prefix.count)) : word
    guard (6...64).contains(hex.utf8.count),
      hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
      let low = Digest(hex + String(repeating: "0", count: 64 - hex.utf8.count)),
      let high = Digest(hex + String(repeating: "f", count: 64 - hex.utf8.count))
    else { return nil }
    let records = try ledger.records(from: low, through: high)
    let outputs = try ledger.outputs(from: low, through: high)
    switch (records.count, outputs.count) {
    case (0, 0): return nil
    case (1, 0): return try single(records[0], word, .record, records[0].short)
    case (0, 1):
      let makers = try ledger.records(withOutput: outputs[0])
      guard let maker = makers.first(where: { $0.outcome == Record.Outcome.succeeded.rawValue }) else { return nil }
      return try single(maker.record, word, .file, outputs[0].short)
    default:
      throw TraceError(
        .unknownName, "'\(word)' could be \(counted(records.count, "record")) or \(counted(outputs.count, "content"))",
        notes: (records + outputs).prefix(5).map(\.description))
    }
  }

  // MARK: instances

  private func names(_ word: String) throws -> [String] {
    let published = try ledger.published(project: project).first { $0.path == word }
    if let published { return [published.instance] }
    let all = try ledger.instances(project: project)
    if all.contains(word) { return [word] }
    let steps = all.filter { Lineage.step(ofInstance: $0) == word }
    if !steps.isEmpty { return steps }
    // A step's name alone, where only one pipeline has it.
    let loose = all.filter {
      $0 == word || $0.hasSuffix("/\(word)") || Lineage.step(ofInstance: $0).hasSuffix("/\(word)")
    }
    let owners = Set(loose.map { Lineage.step(ofInstance: $0) })
    guard owners.count <= 1 else {
      throw TraceError(
        .unknownName, "'\(word)' could be any of \(owners.count) steps", notes: owners.sorted().prefix(5).map { $0 })
    }
    return loose
  }

  private func results(of name: String, back: Int, _ word: String) throws -> ResultSet? {
    let instances = try names(name)
    guard !instances.isEmpty else { return nil }
    var records: [Digest] = []
    var fewest = Int.max
    if instances.count > 1 && back == 0 {
      let latest = try ledger.latest(project: project)
      records = instances.compactMap { latest[$0]?.record }
    } else {
      for instance in instances {
        let all = try distinctResults(of: instance)
        fewest = min(fewest, all.count)
        if back < all.count { records.append(all[back]) }
      }
    }
    guard let first = records.first else {
      throw TraceError(
        .unknownName,
        fewest == 0 || fewest == .max
          ? "'\(name)' has no result yet" : "'\(name)' has had only \(counted(fewest, "result"))",
        notes: ["`rung history '\(name)'` lists them"])
    }
    return records.count == 1
      ? try single(first, word, .instance, instances.count == 1 ? instances[0] : name) : try many(records, word, name)
  }

  // The records of its results, newest first; what was taken from the cache again counts again only after another one.
  private func distinctResults(of instance: String) throws -> [Digest] {
    var records: [Digest] = []
    for entry in try ledger.history(project: project, instance: instance) {
      guard let record = entry.record, !entry.isFailure, records.last != record else { continue }
      records.append(record)
    }
    return records
  }

  // MARK: errors

  private func unknown(_ word: String) throws -> TraceError {
    let all = try ledger.instances(project: project)
    let names = Set(all.map { Lineage.step(ofInstance: $0) }).sorted()
    let near = nearest(word, among: names) ?? nearest(word, among: all.prefix(10_000))
    var notes = near.map { ["did you mean '\($0)'?"] } ?? []
    notes.append("a run, a record, a figure, a step or instance (with @N for an earlier result), or git:REV")
    return TraceError(
      .unknownName, "'\(word)' is no run, record, file, step or git revision that is known here", notes: notes)
  }

  private func translated<T>(_ body: () throws -> T) throws(TraceError) -> T {
    do {
      return try body()
    } catch let error as TraceError {
      throw error
    } catch let error as LedgerError {
      throw TraceError(.cache, error.message, notes: ["`rung cache rebuild-index` makes the index anew"])
    } catch {
      throw TraceError(.cache, "\(error)")
    }
  }
}

extension HistoryEntry {
  /// True when it gave no result.
  var isFailure: Bool { outcome == "failed" || outcome == "interrupted" }
}
