import RungCore
import Synchronization

extension ProjectFiles {
  /// The same files, asking only once what is at a path: thousands of steps read the same script. For one load, during
  /// which a change on disk may go unseen. What was read stays in `memory`.
  func remembering(in memory: FileMemory) -> ProjectFiles {
    let files = self
    return ProjectFiles(
      read: { path, limit in
        let bytes = try files.read(path, limit)
        if let bytes {
          memory.contents.withLock { $0[path] = bytes }
        } else {
          _ = memory.missing.withLock { $0.insert(path) }
        }
        return bytes
      },
      kind: { path in
        if let known = memory.kinds.withLock({ $0[path] }) { return known }
        let kind = files.kind(path)
        memory.kinds.withLock { $0[path] = .some(kind) }
        return kind
      },
      list: { path in
        let names = files.list(path)
        memory.listings.withLock { $0[path] = names }
        return names
      },
      staysInside: { path in
        if let known = memory.inside.withLock({ $0[path] }) { return known }
        let inside = files.staysInside(path)
        memory.inside.withLock { $0[path] = inside }
        return inside
      }, isLeftOut: files.isLeftOut)
  }
}

// What was asked so far.
final class FileMemory: Sendable {
  let missing = Mutex<Set<RelativePath>>([])
  let listings = Mutex<[RelativePath: [String]]>([:])
  let contents = Mutex<[RelativePath: [UInt8]]>([:])
  let kinds = Mutex<[RelativePath: ProjectFiles.Kind?]>([:])
  let inside = Mutex<[RelativePath: Bool]>([:])
}
