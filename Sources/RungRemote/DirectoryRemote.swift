import Glibc
import RungCore
import RungStore
import Synchronization

/// A remote that is a folder: a mounted file system, or a disk that is carried about.
///
/// Objects are files `cas/ab/<64 digits>` with their plain bytes, results are files `ac/ab/<64 digits>`; both are written
/// under another name in `tmp/`, synchronised, and renamed, so a name is whole or not there. Any number of machines may
/// use it at once. The folder itself is never made: where it is not there, a disk is not mounted.
public final class DirectoryRemote: RemoteStorage {
  /// The folder's path.
  public let name: String
  // Threads that wait for the disk, or for the network behind it.
  private static let width = 8
  private static let piece = 1 << 20
  private let isSwept = Mutex(false)

  /// The remote in a folder.
  public init(_ path: String) { name = path }

  /// Asks which of these objects are there.
  public func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    try look()
    let found = Mutex(Set<Digest>())
    Workers.run(objects.count, width: Self.width) { number in
      let digest = objects[number]
      if digest == .empty || isFile(place(digest)) { found.withLock { _ = $0.insert(digest) } }
    }
    return found.withLock { $0 }
  }

  /// Sends what is not there.
  public func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    try look()
    let shards = Mutex(Set<String>())
    let outcome = try Tally.run(objects, progress) { wanted, tally in
      Workers.run(wanted.count, width: Self.width) { number in
        if tally.isStopped { return }
        let digest = wanted[number]
        if isFile(place(digest)) { return tally.skipped() }
        do throws(RemoteError) {
          let size = try send(digest, from: store, tally)
          shards.withLock { _ = $0.insert(String(digest.hex.prefix(2))) }
          tally.moved(size)
        } catch {
          switch error.kind {
          case .local, .missing, .damaged: tally.failed(digest, error)
          default: tally.stop(error)
          }
        }
      }
    }
    for shard in shards.withLock({ $0 }) { try sync("\(name)/cas/\(shard)") }
    return outcome
  }

  /// Fetches what the store has not.
  public func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    try look()
    return try Tally.run(objects, progress) { wanted, tally in
      Workers.run(wanted.count, width: Self.width) { number in
        if tally.isStopped { return }
        if store.contains(wanted[number]) { return tally.skipped() }
        fetch(wanted[number], into: store, tally)
      }
    }
  }

  /// Reads what is kept under a key.
  public func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    try look()
    let path = resultPlace(key)
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw RemoteFiles.trouble("read", path, errno)
    }
    defer { close(file) }
    let size = try RemoteFiles.size(file, path)
    guard size <= RemoteLimits.result else {
      throw RemoteError(.damaged, "\(path) has \(size) bytes: too many for a result")
    }
    var bytes: [UInt8] = []
    _ = try RemoteFiles.read(file, path, piece: 64 << 10) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Keeps bytes under a key.
  public func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError) {
    try look()
    try place(at: resultPlace(key), shard: "ac/\(key.hex.prefix(2))") { file, path throws(RemoteError) in
      try bytes.withRaw { raw throws(RemoteError) in try RemoteFiles.write(file, raw, path) }
    }
    try sync("\(name)/ac/\(key.hex.prefix(2))")
  }

  private func place(_ digest: Digest) -> String { "\(name)/cas/\(digest.hex.prefix(2))/\(digest.hex)" }
  private func resultPlace(_ key: Digest) -> String { "\(name)/ac/\(key.hex.prefix(2))/\(key.hex)" }

  // Says clearly when the folder is not there.
  private func look() throws(RemoteError) {
    var status = stat()
    guard stat(name, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR {
        throw RemoteError(
          .unreachable,
          "the folder \(name) of the remote cache is not there: is it mounted? A new one is made with `mkdir`")
      }
      throw RemoteFiles.trouble("look at", name, errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw RemoteError(.local, "\(name) is to be a remote cache, but is no folder")
    }
  }

  private func isFile(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private func sync(_ folder: String) throws(RemoteError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RemoteFiles.trouble("open", folder, errno) }
    defer { close(descriptor) }
    // Some file systems have no such thing for folders.
    if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP, errno != EROFS {
      throw RemoteFiles.trouble("synchronise", folder, errno)
    }
  }

  // Writes a file under another name, makes it durable, and gives it its place.
  private func place(
    at target: String, shard: String, _ body: (Int32, String) throws(RemoteError) -> Void
  ) throws(RemoteError) {
    for folder in ["tmp", String(shard.prefix { $0 != "/" }), shard] {
      if mkdir("\(name)/\(folder)", 0o777) != 0, errno != EEXIST {
        throw RemoteFiles.trouble("make the folder", "\(name)/\(folder)", errno)
      }
    }
    sweep()
    let path = "\(name)/tmp/\(RemoteFiles.unusedName())"
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard file >= 0 else { throw RemoteFiles.trouble("write", path, errno) }
    var isPlaced = false
    defer {
      close(file)
      if !isPlaced { unlink(path) }
    }
    try body(file, path)
    guard fsync(file) == 0 else { throw RemoteFiles.trouble("write", path, errno) }
    guard rename(path, target) == 0 else { throw RemoteFiles.trouble("rename", path, errno) }
    isPlaced = true
  }

  private func send(_ digest: Digest, from store: ObjectStore, _ tally: Tally) throws(RemoteError) -> Int64 {
    var size: Int64 = 0
    try place(at: place(digest), shard: "cas/\(digest.hex.prefix(2))") { file, path throws(RemoteError) in
      let reader = try Self.local { () throws(StoreError) in try store.reader(digest) }
      size = reader.size
      while true {
        let piece = try Self.local { () throws(StoreError) in try reader.piece() }
        if piece.isEmpty { return }
        try RemoteFiles.write(file, piece, path)
        tally.went(piece.count)
      }
    }
    return size
  }

  private func fetch(_ digest: Digest, into store: ObjectStore, _ tally: Tally) {
    let path = place(digest)
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT || errno == ELOOP {
        return tally.failed(digest, RemoteError(.missing, "the remote \(name) has no object \(digest.hex)"))
      }
      return tally.stop(RemoteFiles.trouble("read", path, errno))
    }
    defer { close(file) }
    do throws(StoreError) {
      let writer = try store.writer(digest)
      var problem: StoreError?
      let failure = Self.trying { () throws(RemoteError) in
        _ = try RemoteFiles.size(file, path)
        _ = try RemoteFiles.read(file, path, piece: Self.piece) { bytes in
          if problem != nil { return }
          do throws(StoreError) { try writer.append(bytes) } catch { problem = error }
          tally.went(bytes.count)
        }
      }
      if let problem { throw problem }
      if let failure {
        return failure.kind == .damaged ? tally.failed(digest, failure) : tally.stop(failure)
      }
      do throws(StoreError) {
        try writer.finish()
      } catch {
        guard error.code == .damaged else { throw error }
        let end = setAside(path, file)
        return tally.failed(
          digest,
          RemoteError(.damaged, "the remote \(name) has other bytes under the name of object \(digest.hex)\(end)"))
      }
      tally.put(writer.count, into: store)
    } catch {
      tally.failed(digest, store: error)
    }
  }

  // So that a later push heals it. Only the file that was read: another may have put a sound one in its place.
  private func setAside(_ path: String, _ file: Int32) -> String {
    var read = stat()
    var there = stat()
    guard fstat(file, &read) == 0, lstat(path, &there) == 0, read.st_ino == there.st_ino else { return "" }
    mkdir("\(name)/damaged", 0o777)
    let aside = "\(name)/damaged/\(path.split(separator: "/").last ?? "")-\(RemoteFiles.unusedName())"
    guard rename(path, aside) == 0 else { return "; it stays there: \(RemoteFiles.reason(errno))" }
    return "; it was moved to \(aside), so that the next push puts a sound one there"
  }

  // Takes away what killed processes left a day ago and longer; once.
  private func sweep() {
    let isFirst = isSwept.withLock { swept in
      defer { swept = true }
      return !swept
    }
    guard isFirst, let folder = opendir("\(name)/tmp") else { return }
    defer { closedir(folder) }
    let now = time(nil)
    while let entry = readdir(folder) {
      let file = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      var status = stat()
      guard lstat("\(name)/tmp/\(file)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        now - status.st_mtim.tv_sec > 86_400
      else { continue }
      unlink("\(name)/tmp/\(file)")
    }
  }

  // What the store says is of this side.
  private static func local<Result>(_ body: () throws(StoreError) -> Result) throws(RemoteError) -> Result {
    do {
      return try body()
    } catch {
      throw RemoteError(.local, error.message)
    }
  }

  private static func trying(_ body: () throws(RemoteError) -> Void) -> RemoteError? {
    do {
      try body()
      return nil
    } catch {
      return error
    }
  }
}
