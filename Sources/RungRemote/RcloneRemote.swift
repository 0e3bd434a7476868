import Glibc
import RungCore
import RungStore

/// A remote that the program `rclone` knows how to reach: S3, GCS, Azure and many more. Objects are `cas/ab/<64 digits>`,
/// results `ac/ab/<64 digits>`, as in a folder.
///
/// Small objects go in batches through a folder in the cache, of at most 256 MiB; large ones through a pipe.
public final class RcloneRemote: RemoteStorage {
  /// Its address, as people know it.
  public let name: String
  private let rclone: Rclone
  private let wrong = Wrong()

  private static let mostBytes: Int64 = 256 << 20
  private static let mostObjects = 1000
  // From here on an object goes through a pipe.
  private static let large: Int64 = 64 << 20

  /// The remote at a place such as `lab:bucket/cache`. Throws `local` where rclone is not installed.
  public init(_ place: String, variables: [String: String]) throws(RemoteError) {
    name = "rclone:\(place)"
    rclone = try Rclone(place, variables: variables)
  }

  /// Asks which of these objects are there.
  public func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    let scratch = try ScratchFolder(under: rclone.temporary)
    var found = Set(try sizes(Array(Set(objects).subtracting([.empty])), scratch).keys)
    if objects.contains(.empty) { found.insert(.empty) }
    return found
  }

  /// Sends what is not there.
  public func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    let scratch = try ScratchFolder(under: "\(store.path)/remote")
    return try Tally.run(objects, progress) { wanted, tally in
      do throws(RemoteError) {
        let there = try sizes(wanted.filter { !wrong.forget($0) }, scratch)
        for _ in there { tally.skipped() }
        var batch: [(digest: Digest, size: Int64)] = []
        for digest in wanted where there[digest] == nil && !tally.isStopped {
          switch Result(catching: { () throws(StoreError) in try store.size(digest) }) {
          case .failure(let error): tally.failed(digest, store: error)
          case .success(let size) where size >= Self.large: try stream(digest, size, from: store, tally)
          case .success(let size):
            batch.append((digest, size))
            if batch.count >= Self.mostObjects || batch.reduce(0, { $0 + $1.size }) >= Self.mostBytes {
              try send(batch, from: store, scratch, tally)
              batch = []
            }
          }
        }
        if !tally.isStopped { try send(batch, from: store, scratch, tally) }
      } catch {
        tally.stop(error)
      }
    }
  }

  /// Fetches what the store has not.
  public func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    let scratch = try ScratchFolder(under: "\(store.path)/remote")
    return try Tally.run(objects, progress) { wanted, tally in
      do throws(RemoteError) {
        var asked: [Digest] = []
        for digest in wanted { if store.contains(digest) { tally.skipped() } else { asked.append(digest) } }
        let there = try sizes(asked, scratch)
        var batch: [(digest: Digest, size: Int64)] = []
        for digest in asked where !tally.isStopped {
          guard let size = there[digest] else {
            tally.failed(digest, RemoteError(.missing, "the remote \(name) has no object \(digest.hex)"))
            continue
          }
          if size >= Self.large {
            try fetch(digest, into: store, tally)
            continue
          }
          batch.append((digest, size))
          if batch.count >= Self.mostObjects || batch.reduce(0, { $0 + $1.size }) >= Self.mostBytes {
            try fetch(batch.map(\.digest), into: store, scratch, tally)
            batch = []
          }
        }
        if !tally.isStopped { try fetch(batch.map(\.digest), into: store, scratch, tally) }
      } catch {
        tally.stop(error)
      }
    }
  }

  /// Reads what is kept under a key.
  public func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    let scratch = try ScratchFolder(under: rclone.temporary)
    let path = "\(key.hex.prefix(2))/\(key.hex)"
    guard let size = try rclone.list("ac", [path], scratch)[path] else { return nil }
    guard size <= RemoteLimits.result else {
      throw RemoteError(.damaged, "what \(name) has for \(key.hex) has \(size) bytes: too many for a result")
    }
    var bytes: [UInt8] = []
    try rclone.read("ac/\(path)") { piece in
      bytes += piece
      return bytes.count <= RemoteLimits.result
    }
    return bytes
  }

  /// Keeps bytes under a key.
  public func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError) {
    var isGiven = false
    try rclone.write("ac/\(key.hex.prefix(2))/\(key.hex)", size: Int64(bytes.count)) { send throws(RemoteError) in
      if isGiven { return false }
      isGiven = true
      try bytes.withRaw { raw throws(RemoteError) in try send(raw) }
      return true
    }
  }

  // The sizes of those objects that are there, as it says.
  private func sizes(_ objects: [Digest], _ scratch: ScratchFolder) throws(RemoteError) -> [Digest: Int64] {
    var found: [Digest: Int64] = [:]
    for start in stride(from: 0, to: objects.count, by: 10_000) {
      let batch = objects[start..<min(start + 10_000, objects.count)]
      for (path, size) in try rclone.list("cas", batch.map(Self.path), scratch) {
        if let digest = Digest(path.dropFirst(3)) { found[digest] = size }
      }
    }
    return found
  }

  private static func path(_ digest: Digest) -> String { "\(digest.hex.prefix(2))/\(digest.hex)" }

  private func send(
    _ batch: [(digest: Digest, size: Int64)], from store: ObjectStore, _ scratch: ScratchFolder, _ tally: Tally
  ) throws(RemoteError) {
    let folder = try scratch.fresh("objects")
    var ready: [(digest: Digest, size: Int64)] = []
    for item in batch {
      let shard = "\(folder)/\(item.digest.hex.prefix(2))"
      mkdir(shard, 0o755)
      switch Result(catching: { () throws(StoreError) in
        try store.restore(item.digest, to: "\(shard)/\(item.digest.hex)", executable: false)
      }) {
      case .success: ready.append(item)
      case .failure(let error): tally.failed(item.digest, store: error)
      }
    }
    if ready.isEmpty || tally.isStopped { return }
    try rclone.copy(from: folder, to: rclone.place("cas"), ready.map { Self.path($0.digest) }, scratch, isPush: true)
    for item in ready {
      tally.went(Int(item.size))
      tally.moved(item.size)
    }
  }

  private func stream(_ digest: Digest, _ size: Int64, from store: ObjectStore, _ tally: Tally) throws(RemoteError) {
    let reader: ObjectReader
    switch Result(catching: { () throws(StoreError) in try store.reader(digest) }) {
    case .success(let opened): reader = opened
    case .failure(let error): return tally.failed(digest, store: error)
    }
    var problem: StoreError?
    try rclone.write("cas/\(Self.path(digest))", size: size) { send throws(RemoteError) in
      switch Result(catching: { () throws(StoreError) in try reader.piece() }) {
      case .success(let piece):
        if piece.isEmpty { return false }
        try send(piece)
        tally.went(piece.count)
        return true
      case .failure(let error):
        problem = error
        throw RemoteError(.local, error.message)
      }
    } otherwise: { error in
      problem == nil ? error : nil
    }
    if let problem { return tally.failed(digest, store: problem) }
    tally.moved(size)
  }

  private func fetch(_ digest: Digest, into store: ObjectStore, _ tally: Tally) throws(RemoteError) {
    take(digest, into: store, tally) { body throws(RemoteError) in try rclone.read("cas/\(Self.path(digest))", body) }
  }

  private func fetch(
    _ batch: [Digest], into store: ObjectStore, _ scratch: ScratchFolder, _ tally: Tally
  ) throws(RemoteError) {
    if batch.isEmpty { return }
    let folder = try scratch.fresh("objects")
    try rclone.copy(from: rclone.place("cas"), to: folder, batch.map(Self.path), scratch, isPush: false)
    for digest in batch where !tally.isStopped {
      let path = "\(folder)/\(Self.path(digest))"
      let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard file >= 0 else {
        tally.failed(digest, RemoteError(.missing, "the remote \(name) has no object \(digest.hex) any more"))
        continue
      }
      take(digest, into: store, tally) { body throws(RemoteError) in
        _ = try RemoteFiles.read(file, path, piece: 1 << 20) { _ = body($0) }
      }
      close(file)
      unlink(path)
    }
  }

  // Puts what comes into the store, if it is what it should be.
  private func take(
    _ digest: Digest, into store: ObjectStore, _ tally: Tally,
    _ bytes: ((UnsafeRawBufferPointer) -> Bool) throws(RemoteError) -> Void
  ) {
    var problem: StoreError?
    let writer: ObjectWriter
    switch Result(catching: { () throws(StoreError) in try store.writer(digest) }) {
    case .success(let begun): writer = begun
    case .failure(let error): return tally.failed(digest, store: error)
    }
    let came = Result { () throws(RemoteError) in
      try bytes { piece in
        tally.went(piece.count)
        if problem != nil { return false }
        if case .failure(let error) = Result(catching: { () throws(StoreError) in try writer.append(piece) }) {
          problem = error
        }
        return problem == nil
      }
    }
    if let problem { return tally.failed(digest, store: problem) }
    if case .failure(let error) = came { return tally.stop(error) }
    switch Result(catching: { () throws(StoreError) in try writer.finish() }) {
    case .success: tally.put(writer.count, into: store)
    case .failure(let error):
      guard error.code == .damaged else { return tally.failed(digest, store: error) }
      wrong.note(digest)
      tally.failed(
        digest, RemoteError(.damaged, "the remote \(name) has other bytes under the name of object \(digest.hex)"))
    }
  }
}
