import Glibc
import RungCore
import RungStore
import Synchronization

/// Folders with inputs that many steps of a run read: made once, shown to each as a layer below its workspace, written
/// to by none.
///
/// They stay for steps to come as long as all of them fit into a budget. When one more does not, those that no step uses
/// go, the longest unused first; where that is not enough, the step gets its layer all the same.
final class StagedLayers: Sendable {
  // One for each folder; its lock is held while the folder is being made, so that nobody uses half of it.
  private final class Layer: Sendable {
    let isReady = Mutex(false)
  }

  private struct Entry {
    let layer: Layer
    let size: Int64
    var users = 0
    var lastUse = 0
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var taken: Int64 = 0
    var budget: Int64?
    // Counts uses; also gives names to what is being removed.
    var uses = 0
  }

  private let state: Mutex<State>

  /// When nothing else is said: this part of what is free on the disk, but never less than this many bytes.
  private static let freePart: Int64 = 10
  private static let leastBudget: Int64 = 1 << 30

  /// No folders yet. `budget` is in bytes; nil for a tenth of what is free when the first is made, at least 1 GiB.
  init(budget: Int64? = nil) { state = Mutex(State(budget: budget)) }

  /// Makes the folders that are not there yet, and keeps all of them until they are given back. Throws what kept one from
  /// being made; then none has to be given back, and the next call tries again.
  func take(_ wanted: [StagedLayer], store: ObjectStore) throws {
    var taken: [StagedLayer] = []
    do {
      for layer in wanted {
        try enter(layer).isReady.withLock { isReady in
          taken.append(layer)
          if isReady { return }
          try Self.make(layer, store)
          isReady = true
        }
      }
    } catch {
      giveBack(taken)
      throw error
    }
  }

  /// Tells that a step needs these no more.
  func giveBack(_ layers: [StagedLayer]) {
    state.withLock { state in
      for layer in layers { state.entries[layer.folder]?.users -= 1 }
    }
  }

  private static func make(_ layer: StagedLayer, _ store: ObjectStore) throws {
    let parent = parent(of: layer.folder)
    if mkdir(parent, 0o755) != 0 && errno != EEXIST { throw ExecError.system("make the folder", parent) }
    if mkdir(layer.folder, 0o755) != 0 { throw ExecError.system("make the folder", layer.folder) }
    do {
      try Workspace.stage(layer.files, in: layer.folder, store: store)
    } catch {
      try? TreeRemoval.remove(layer.folder)
      throw error
    }
  }

  private static func parent(of folder: String) -> String {
    folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "/"
  }

  // A user of the layer more. What has to make room for it is renamed at once and removed afterwards: somebody may want to
  // have it again meanwhile.
  private func enter(_ layer: StagedLayer) -> Layer {
    let (entered, removed) = state.withLock { state -> (Layer, [String]) in
      state.uses += 1
      var removed: [String] = []
      if state.entries[layer.folder] == nil {
        let budget = state.budget ?? Self.standardBudget(Self.parent(of: Self.parent(of: layer.folder)))
        state.budget = budget
        removed = Self.makeRoom(for: layer.size, budget, &state)
        state.taken += layer.size
      }
      var entry = state.entries[layer.folder] ?? Entry(layer: Layer(), size: layer.size)
      entry.users += 1
      entry.lastUse = state.uses
      state.entries[layer.folder] = entry
      return (entry.layer, removed)
    }
    // What cannot be removed goes with the run's folder.
    for folder in removed { try? TreeRemoval.remove(folder) }
    return entered
  }

  private static func makeRoom(for size: Int64, _ budget: Int64, _ state: inout State) -> [String] {
    guard state.taken + size > budget else { return [] }
    var removed: [String] = []
    for (folder, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) where entry.users == 0 {
      let aside = "\(folder).\(state.uses).\(removed.count)"
      // One that could not be made is not there.
      guard rename(folder, aside) == 0 || errno == ENOENT else { continue }
      removed.append(aside)
      state.entries[folder] = nil
      state.taken -= entry.size
      if state.taken + size <= budget { break }
    }
    return removed
  }

  private static func standardBudget(_ folder: String) -> Int64 {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return leastBudget }
    let free = Int64(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).0)
    return max(leastBudget, free / freePart)
  }
}
