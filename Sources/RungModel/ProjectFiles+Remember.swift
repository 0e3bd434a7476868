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
      staysInside: { path in memory.staysInside(path, files) }, isLeftOut: files.isLeftOut, isLink: files.isLink)
  }
}

// What was asked so far.
final class FileMemory: Sendable {
  let missing = Mutex<Set<RelativePath>>([])
  let listings = Mutex<[RelativePath: [String]]>([:])
  let contents = Mutex<[RelativePath: [UInt8]]>([:])
  let kinds = Mutex<[RelativePath: ProjectFiles.Kind?]>([:])
  let inside = Mutex<[RelativePath: Bool]>([:])

  // Most files lie in a few folders, and to follow the links of a whole path takes a call for each part of it: what is no
  // link itself is inside where its folder is.
  func staysInside(_ path: RelativePath, _ files: ProjectFiles) -> Bool {
    if let known = inside.withLock({ $0[path] }) { return known }
    let isInside =
      path.text.isEmpty || files.isLink(path) ? files.staysInside(path) : staysInside(path.parent, files)
    inside.withLock { $0[path] = isInside }
    return isInside
  }
}
