import RungCore
import RungLedger
import RungStore

/// Whether what earlier executions were seen to use is still so. Each set is looked at once in a run.
struct ObservedChecker {
  private let store: ObjectStore
  let observing: Observing
  private var sets: [Digest: ObservedSet?] = [:]
  private var verdicts: [Digest: Bool] = [:]

  init(store: ObjectStore, observing: Observing) {
    self.store = store
    self.observing = observing
  }

  /// The sets that were read: what is up to date can only be told with them.
  var setsRead: [Digest] { sets.compactMap { $0.value == nil ? nil : $0.key } }

  /// A path as it was looked at: a folder may have been listed, and searched for modules, too.
  struct Looked: Hashable {
    let path: String
    let kind: ObservedSet.Kind
  }

  // Far more than a set of a million files takes, in bytes.
  private static let largestSet: Int64 = 1 << 30

  /// True when everything in both sets is as it was. A set that cannot be read counts as changed.
  mutating func isCurrent(_ observed: Observed, _ files: inout SourceFiles) -> Bool {
    for digest in [observed.project, observed.system] {
      guard let digest else { continue }
      if let known = verdicts[digest] {
        if known { continue }
        return false
      }
      let verdict = set(digest)?.entries.allSatisfy { isCurrent($0, &files) } ?? false
      verdicts[digest] = verdict
      if !verdict { return false }
    }
    return true
  }

  /// The same for a result that stands although some of these files have changed: they must be just as `accepted` says,
  /// and everything else as it was.
  mutating func isCurrent(
    _ observed: Observed, accepting accepted: [Looked: (kind: ObservedSet.Kind, digest: Digest?)],
    _ files: inout SourceFiles
  ) -> Bool {
    if accepted.isEmpty { return isCurrent(observed, &files) }
    for digest in [observed.project, observed.system] {
      guard let digest else { continue }
      guard let set = set(digest) else { return false }
      for entry in set.entries {
        let now = self.now(entry, &files)
        let wanted = accepted[Looked(path: entry.path, kind: entry.kind)] ?? (entry.kind, entry.digest)
        if now.kind != wanted.kind || now.digest != wanted.digest { return false }
      }
    }
    return true
  }

  /// What is not any more as it was seen: the entry, and what is there now.
  mutating func changes(
    _ observed: Observed, _ files: inout SourceFiles
  ) -> [(entry: ObservedSet.Entry, now: (kind: ObservedSet.Kind, digest: Digest?))] {
    var result: [(entry: ObservedSet.Entry, now: (kind: ObservedSet.Kind, digest: Digest?))] = []
    for digest in [observed.project, observed.system] {
      for entry in digest.flatMap({ set($0) })?.entries ?? [] {
        let now = self.now(entry, &files)
        if now.kind != entry.kind || now.digest != entry.digest { result.append((entry, now)) }
      }
    }
    return result
  }

  /// A set; nil when it is gone, damaged or of a format that this version does not know.
  mutating func set(_ digest: Digest) -> ObservedSet? {
    if let known = sets[digest] { return known }
    let set = (try? store.read(digest, limit: Self.largestSet)).flatMap(ObservedSet.init(bytes:))
    sets[digest] = .some(set)
    return set
  }

  /// Looks anew at sets that could not be read: they may have come from elsewhere.
  mutating func forgetMissing(_ observed: Observed) {
    for digest in [observed.project, observed.system].compactMap(\.self) {
      guard let known = sets[digest], known == nil else { continue }
      sets.removeValue(forKey: digest)
      verdicts[digest] = nil
    }
  }

  private func isCurrent(_ entry: ObservedSet.Entry, _ files: inout SourceFiles) -> Bool {
    let now = self.now(entry, &files)
    return now.kind == entry.kind && now.digest == entry.digest
  }

  /// What is now where an entry tells of what was.
  func now(_ entry: ObservedSet.Entry, _ files: inout SourceFiles) -> (kind: ObservedSet.Kind, digest: Digest?) {
    switch files.seen(entry.path) {
    case .absent: return (.absent, nil)
    case .file(let digest, let executable): return (executable ? .executable : .file, digest)
    case .link(let digest): return (.link, digest)
    case .other: return (.other, nil)
    case .folder:
      switch entry.kind {
      case .listing:
        return (.listing, files.namesSeen(in: entry.path).map { observing.listing($0, in: entry.path) })
      case .modules:
        return (.modules, files.namesSeen(in: entry.path).map { observing.modules($0, in: entry.path) })
      default: return (.folder, nil)
      }
    }
  }
}
