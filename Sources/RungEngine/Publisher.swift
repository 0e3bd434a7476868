import Glibc
import RungCore
import RungExec
import RungFormats
import RungLedger
import RungStore

/// Puts copies of outputs at their places in the project.
///
/// A copy appears under its name complete or not at all. What was there before is replaced; if it is something that the
/// cache does not know (edited by hand, never Rung's), its bytes are kept in the cache and the user is told where.
///
/// A copy says where it comes from: a figure carries a stamp, anything else has one in a file beside it. The object in
/// the cache is never stamped.
struct Publisher: Sendable {
  let root: String
  let store: ObjectStore
  let workspaces: WorkspaceFolder

  struct Problem: Error {
    let message: String
  }

  /// What was replaced and is kept in the cache.
  struct Displaced {
    let digest: Digest
    let isTree: Bool
  }

  /// What was written.
  struct Published {
    /// The digest of the file, when it carries a stamp.
    var copy: Digest?
    /// What was replaced and is kept in the cache.
    var displaced: Displaced?
    /// What could not be done beside the copy, which is in place.
    var problem: String?
  }

  // Figures that are larger are not stamped but have their stamp beside them, in bytes.
  private static let largestStamped: Int64 = 64 << 20

  /// What the file beside a copy is called that has its stamp.
  static func sidecar(of path: String) -> String { path + ".rung.json" }

  /// Writes the copy, with a stamp if there is one to give.
  func publish(_ output: ActionOutput, to path: RelativePath, stamp: Stamp?) throws(Problem) -> Published {
    let digest = output.digest
    let kind = output.kind
    let target = path.absolute(in: root)
    try makeFolder(path.parent)
    if stamp != nil, let copy = unchangedCopy(of: output, at: target) { return Published(copy: copy) }
    // Made in the run's own folder, which the next run sweeps if this one is killed, and renamed from there. Only where
    // that is another file system must the copy be made beside its place.
    let temporary = sameDevice(path.parent) ? workspaces.nextWorkspace() : Self.besides(path, in: root)
    Self.sweep(path.parent.absolute(in: root))
    var published = Published()
    do throws(StoreError) {
      try? removeTree(temporary)
      if kind == .tree {
        try store.restoreTree(digest, to: temporary)
      } else if let stamp, let bytes = try stamped(output, stamp) {
        try write(bytes, to: temporary, executable: kind == .executable)
        published.copy = Digest(of: bytes)
      } else {
        try store.restore(digest, to: temporary, executable: kind == .executable)
      }
      published.displaced = try keepUnknown(target)
      // Safe before it is gone from its place.
      if published.displaced != nil { try store.flush() }
    } catch {
      try? removeTree(temporary)
      throw Problem(message: "cannot write \(path): \(error)")
    }
    var status = stat()
    var aside: String?
    if lstat(target, &status) == 0, status.st_mode & S_IFMT == S_IFDIR || kind == .tree {
      // Out of the way, and back again when the new one cannot take its place.
      let place = Self.besides(path, in: root) + "-old"
      try? removeTree(place)
      if rename(target, place) == 0 { aside = place }
    }
    guard rename(temporary, target) == 0 else {
      let reason = String(cString: strerror(errno))
      if let aside { rename(aside, target) }
      try? removeTree(temporary)
      throw Problem(message: "cannot write \(path): \(reason)")
    }
    if let aside { try? removeTree(aside) }
    do throws(Problem) { try setSidecar(of: path, published.copy == nil ? stamp : nil) } catch {
      published.problem = error.message
    }
    return published
  }

  // A figure that came out as before keeps the stamp that it has, so that nothing changes for version control.
  private func unchangedCopy(of output: ActionOutput, at target: String) -> Digest? {
    var status = stat()
    guard output.kind != .tree, lstat(target, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      (status.st_mode & S_IXUSR != 0) == (output.kind == .executable),
      let stamp = Self.stamp(ofFileAt: target, size: Int64(status.st_size)), stamp.artifact == output.digest,
      store.hasRecord(stamp.record)
    else { return nil }
    return try? ObjectStore.digest(ofFileAt: target).digest
  }

  // The figure with its stamp; nil when it is of a format that has no room for one.
  private func stamped(_ output: ActionOutput, _ stamp: Stamp) throws(StoreError) -> [UInt8]? {
    guard output.size <= Self.largestStamped else { return nil }
    return Stamping.stamped(try store.read(output.digest, limit: Self.largestStamped), with: stamp)
  }

  private func write(_ bytes: [UInt8], to path: String, executable: Bool) throws(StoreError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, executable ? 0o755 : 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        let failure = Self.failure(path)
        close(descriptor)
        throw failure
      }
      done += count
    }
    guard close(descriptor) == 0 else { throw Self.failure(path) }
  }

  private static func failure(_ path: String) -> StoreError {
    StoreError(errno == ENOSPC ? .noSpace : .io, "cannot write \(path): \(String(cString: strerror(errno)))")
  }

  // Writes the stamp of a copy that cannot carry one; takes an old one away from beside a copy that does.
  private func setSidecar(of path: RelativePath, _ stamp: Stamp?) throws(Problem) {
    let target = Self.sidecar(of: path.absolute(in: root))
    // Somebody else's file of that name is left alone.
    if access(target, F_OK) == 0,
      readFile(target).flatMap({ Stamp(json: String(decoding: $0, as: UTF8.self)) }) == nil
    {
      return
    }
    guard let stamp else {
      unlink(target)
      return
    }
    let temporary = sameDevice(path.parent) ? workspaces.nextWorkspace() : Self.besides(path, in: root)
    unlink(temporary)
    do throws(StoreError) {
      try write(Array((stamp.json + "\n").utf8), to: temporary, executable: false)
    } catch {
      unlink(temporary)
      throw Problem(message: error.message)
    }
    guard rename(temporary, target) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw Problem(message: "cannot write \(Self.sidecar(of: path.text)): \(reason)")
    }
  }

  private func sameDevice(_ folder: RelativePath) -> Bool {
    var here = stat()
    var there = stat()
    return stat(workspaces.path, &here) == 0 && stat(folder.absolute(in: root), &there) == 0
      && here.st_dev == there.st_dev
  }

  private static let mark = ".rung-copy-"

  private static func besides(_ path: RelativePath, in root: String) -> String {
    "\(path.parent.absolute(in: root))/\(mark)\(getpid())-\(path.name)"
  }

  // Removes what processes of this machine that are gone have left beside published files.
  private static func sweep(_ folder: String) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix(mark), let pid = pid_t(name.dropFirst(mark.count).prefix { $0 != "-" }) else { continue }
      if kill(pid, 0) != 0 && errno == ESRCH { try? removeTree("\(folder)/\(name)") }
    }
  }

  // Stores what lies at `target` when the cache does not have it. Folders are kept too.
  private func keepUnknown(_ target: String) throws(StoreError) -> Displaced? {
    var status = stat()
    guard lstat(target, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let digest = try ObjectStore.digest(ofFileAt: target).digest
      guard !store.contains(digest), !isStampedCopy(target, Int64(status.st_size)) else { return nil }
      return Displaced(digest: try store.put(fileAt: target).digest, isTree: false)
    case S_IFDIR:
      var files = SourceFiles(root: root, cached: [], storingIn: nil)
      if let content = try? files.content(absolute: target), store.contains(content.digest) { return nil }
      return Displaced(digest: try store.putTree(at: target).digest, isTree: true)
    default: return nil
    }
  }

  // A copy that nobody has edited is in the cache without its stamp.
  private func isStampedCopy(_ path: String, _ size: Int64) -> Bool {
    Self.stamp(ofFileAt: path, size: size).map { store.contains($0.artifact) } ?? false
  }

  /// The stamp of an unedited figure; nil for any other file.
  static func stamp(ofFileAt path: String, size: Int64) -> Stamp? {
    guard size <= 2 * largestStamped, let bytes = readFile(path), let reading = Stamping.reading(bytes),
      reading.isUnedited
    else { return nil }
    return reading.stamp
  }

  // Every component must be a folder or absent; a link out of the project is not followed.
  private func makeFolder(_ path: RelativePath) throws(Problem) {
    var current = RelativePath.root
    for component in path.components {
      guard let next = current.appending(component) else { continue }
      current = next
      let absolute = current.absolute(in: root)
      if mkdir(absolute, 0o755) == 0 || errno == EEXIST { continue }
      throw Problem(message: "cannot make the folder \(current): \(String(cString: strerror(errno)))")
    }
    guard !path.text.isEmpty else { return }
    guard let real = realpath(path.absolute(in: root), nil), let realRoot = realpath(root, nil) else {
      throw Problem(message: "cannot reach the folder \(path)")
    }
    defer {
      free(real)
      free(realRoot)
    }
    let inside =
      String(cString: realRoot) == "/" || (String(cString: real) + "/").hasPrefix(String(cString: realRoot) + "/")
    guard inside else { throw Problem(message: "\(path) leads out of the project through a symbolic link") }
  }
}
