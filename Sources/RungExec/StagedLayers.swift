import Glibc
import RungCore
import RungStore
import Synchronization

/// Folders with inputs that many steps of a run read: made once, shown to each as a layer below its workspace, written
/// to by none.
final class StagedLayers: Sendable {
  // One for each folder; its lock is held while the folder is being made, so that nobody uses half of it.
  private final class Layer: Sendable {
    let isReady = Mutex(false)
  }

  private let layers = Mutex<[String: Layer]>([:])

  /// Makes the folder at `path` with these files, which no other list of files may share: once, at the first call. Throws
  /// what kept it from being made, and tries again at the next call.
  func make(_ path: String, with files: [StagedFile], store: ObjectStore) throws {
    let layer = layers.withLock { layers in
      let layer = layers[path] ?? Layer()
      layers[path] = layer
      return layer
    }
    try layer.isReady.withLock { isReady in
      if isReady { return }
      let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
      if mkdir(parent, 0o755) != 0 && errno != EEXIST { throw ExecError.system("make the folder", parent) }
      if mkdir(path, 0o755) != 0 { throw ExecError.system("make the folder", path) }
      do {
        try Workspace.stage(files, in: path, store: store)
      } catch {
        try? TreeRemoval.remove(path)
        throw error
      }
      isReady = true
    }
  }
}
