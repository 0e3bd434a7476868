import Glibc
import RungCore
import RungExec
import RungLedger
import RungStore
import Synchronization

/// Turns what steps were seen to use into sets of observed files, kept in the store. Used by all workers of a run.
final class ObservationKeeper: Sendable {
  /// What became of an observation.
  struct Kept: Sendable {
    var observed = Observed()
    /// Why it is not the whole truth.
    var problems: [String] = []
    /// The files that were changed while the step ran, as people call them; sorted.
    var changed: [String] = []
  }

  private struct State {
    // Hashed in this run: what was the same file before and after it was read is known, however young it is.
    var own: [String: StatEntry] = [:]
    var fresh: [StatEntry] = []
    // What the same observation came to before: a sweep's instances mostly see the same.
    var known: [Digest: Observed] = [:]
  }

  private let root: String
  private let store: ObjectStore
  private let observing: Observing
  private let cached: [String: StatEntry]
  private let state = Mutex(State())
  // In nanoseconds: an entry of an earlier run counts when the file was older than any clock's grain.
  private static let oldEnough: Int64 = 2_000_000_000

  init(root: String, store: ObjectStore, observing: Observing, cached: [String: StatEntry]) {
    self.root = root
    self.store = store
    self.observing = observing
    self.cached = cached
  }

  /// What was hashed since the last call and may be remembered.
  func takeFresh() -> [StatEntry] {
    state.withLock { state in
      defer { state.fresh = [] }
      return state.fresh
    }
  }

  /// Keeps what a step was seen to use. Bytes of project files go into the store. Throws what kept the store from
  /// taking them.
  ///
  /// - Parameter outputs: where the step writes its outputs: that nothing is there yet is no observation, nor whether
  ///   their folders are there in the project, which publishing makes: the step's own are there before it starts.
  func keep(_ observation: Observation, outputs: Set<String>) throws(StoreError) -> Kept {
    var kept = Kept()
    guard observation.isRecorded else { return kept }
    let outputFolders = Self.folders(of: outputs)
    kept.problems = observation.problems
    var hash = FramedHash(domain: "rung/observation/1")
    hash.field("seen", observation.fingerprint)
    for output in outputs.sorted() { hash.field("output", output) }
    let name = hash.digest()
    if let known = state.withLock({ $0.known[name] }) {
      kept.observed = known
      return kept
    }
    var project: [ObservedSet.Entry] = []
    var system: [ObservedSet.Entry] = []
    for path in observation.paths() {
      guard let question = observing.question(path) else { continue }
      if path.isInProject, path.kind == .absent, outputs.contains(path.path) { continue }
      if path.isInProject, path.kind == .absent || question == .none(.folder, nil), outputFolders.contains(path.path) {
        continue
      }
      var isChanged = path.wasChanged
      var entry: ObservedSet.Entry?
      switch question {
      case .none(let kind, let digest): entry = .init(path: path.path, kind: kind, digest: digest)
      case .content:
        switch try content(path) {
        case .known(let digest):
          entry = .init(path: path.path, kind: path.isExecutable ? .executable : .file, digest: digest)
        case .unreadable: entry = .init(path: path.path, kind: .other, digest: nil)
        case .changed: isChanged = true
        }
      }
      if isChanged { kept.changed.append(path.path) }
      guard let entry else { continue }
      if path.isInProject { project.append(entry) } else { system.append(entry) }
    }
    kept.changed.sort()
    guard kept.changed.isEmpty else { return kept }
    kept.observed.project = try keepSet(ObservedSet(scope: .project, entries: project))
    kept.observed.system = try keepSet(ObservedSet(scope: .system, entries: system))
    let observed = kept.observed
    state.withLock { $0.known[name] = observed }
    return kept
  }

  // The folders that paths lie in, at all depths.
  private static func folders(of paths: Set<String>) -> Set<String> {
    var folders: Set<String> = []
    for path in paths {
      for index in path.indices where path[index] == "/" { folders.insert(String(path[..<index])) }
    }
    return folders
  }

  private func keepSet(_ set: ObservedSet) throws(StoreError) -> Digest? {
    if set.entries.isEmpty { return nil }
    return try store.put(set.bytes).digest
  }

  private enum Content {
    case known(Digest)
    /// The user of this process may not read it; then neither could the step.
    case unreadable
    case changed
  }

  // The content that a file had when the step first saw it: from the stat cache, or read now, provided that it is still
  // the same file.
  private func content(_ path: ObservedPath) throws(StoreError) -> Content {
    if let known = known(path), !path.isInProject || store.contains(known) { return .known(known) }
    let place = path.isInProject ? "\(root)/\(path.path)" : path.path
    var before = stat()
    guard lstat(place, &before) == 0, SourceFiles.isSame(before, path) else { return .changed }
    let started = Clock.now()
    let stored: StoredFile
    do throws(StoreError) {
      stored = path.isInProject ? try store.put(fileAt: place) : try ObjectStore.digest(ofFileAt: place)
    } catch {
      if access(place, R_OK) != 0 && errno == EACCES { return .unreadable }
      if error.code == .changed || error.code == .missing { return .changed }
      throw error
    }
    var after = stat()
    guard lstat(place, &after) == 0, SourceFiles.isSame(after, path) else { return .changed }
    let entry = StatEntry(
      path: path.path, device: path.device, inode: path.inode, size: path.size, modified: path.modified,
      changed: path.changed, mode: path.mode, digest: stored.digest, hashedAt: started)
    state.withLock { state in
      state.own[path.path] = entry
      state.fresh.append(entry)
    }
    return .known(stored.digest)
  }

  private func known(_ path: ObservedPath) -> Digest? {
    if let entry = state.withLock({ $0.own[path.path] }), SourceFiles.isOf(entry, path) { return entry.digest }
    guard let entry = cached[path.path], SourceFiles.isOf(entry, path),
      max(entry.modified, entry.changed) < entry.hashedAt - Self.oldEnough
    else { return nil }
    return entry.digest
  }
}
