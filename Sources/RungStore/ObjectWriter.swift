import Glibc
import RungCore

/// Takes the plain bytes of an object whose digest was announced, in pieces, as they come from elsewhere; memory is
/// bounded by one frame, not by the object.
///
/// Nothing is kept before `finish` has found that the bytes have the digest; a writer that goes without it leaves
/// nothing. To be used by one thread at a time.
public final class ObjectWriter {
  /// What the bytes are to be.
  public let digest: Digest
  /// How many bytes came so far.
  public private(set) var count: Int64 = 0

  private let store: ObjectStore
  private let stage: StageFolder
  private var hash = SHA256()
  private var block: [UInt8] = []
  private var table = SeekTable()
  private var sums: [UInt32] = []
  private var way: Levels.Way?
  private var file = ""
  private var descriptor: Int32 = -1
  private var writtenBytes: Int64 = 0
  private var startedBytes: Int64 = 0
  private static let stretch: Int64 = 16 << 20

  init(_ store: ObjectStore, _ digest: Digest) throws(StoreError) {
    self.store = store
    self.digest = digest
    stage = try store.writable()
  }

  deinit { drop() }

  private var place: String { "\(store.path)/\(stage.name)/\(file)" }

  /// Takes the next bytes.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
    var rest = bytes
    count += Int64(bytes.count)
    hash.update(bytes)
    while !rest.isEmpty {
      if block.capacity < Frames.plain, block.count + rest.count > Frames.packed { block.reserveCapacity(Frames.plain) }
      let fits = min(rest.count, Frames.plain - block.count)
      block.append(contentsOf: rest[..<fits])
      rest = UnsafeRawBufferPointer(rebasing: rest[fits...])
      if block.count == Frames.plain { try writeBlock() }
    }
  }

  /// Stages the object. Throws `damaged` when the bytes are not what was announced; then, as after any error, nothing of
  /// them is kept.
  public func finish() throws(StoreError) {
    defer { drop() }
    let found = hash.digest()
    guard found == digest else {
      throw StoreError(.damaged, "the \(count) bytes that came as object \(digest.hex) have the digest \(found.hex)")
    }
    if digest == .empty { return }
    if descriptor < 0, count <= Int64(Frames.packed) {
      try store.put(block)
      return
    }
    if !block.isEmpty { try writeBlock() }
    let name = ObjectStore.Name(kind: .object, digest: digest)
    if try store.isThere(name) { return }
    guard let way else { return }
    if way.level == nil {
      store.shared.withLock { $0.sums[digest] = sums }
    } else {
      try table.encoded.withRaw { bytes throws(StoreError) in
        try store.fileSystem.write(descriptor, bytes, at: place)
      }
    }
    let size = Int64(try store.fileSystem.stat(descriptor, at: place).st_size)
    store.shared.withLock { $0.putBytes += size }
    if try store.stage(name, .file(file, way.form)) { file = "" }
  }

  // The first block decides how the object is stored.
  private func choose() throws(StoreError) -> Levels.Way {
    if let way { return way }
    let choice = block.withUnsafeBytes { bytes in
      let parts = [0, 3, 6].map { number in
        let start = bytes.count / 8 * number / 64 * 64
        return UnsafeRawBufferPointer(
          rebasing: bytes[start..<min(bytes.count, start + min(BytePlanes.largestSample, bytes.count / 8))])
      }
      return BytePlanes.choose(parts)
    }
    let isRaw = choice.share > 1 - Levels.leastGain
    let found = Levels.Way(
      form: isRaw ? .raw : .zstd(planes: choice.planes),
      level: isRaw ? nil : choice.planes == .off ? Levels.large : Levels.planes)
    file = stage.newName()
    descriptor = try store.fileSystem.open(
      file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o444, in: stage.descriptor, at: place)
    way = found
    return found
  }

  private func writeBlock() throws(StoreError) {
    let way = try choose()
    var written = block.count
    if let level = way.level {
      try store.codecs.with { codec throws(StoreError) in
        codec.fit(Frames.plain)
        try block.withRaw { plain throws(StoreError) in
          guard let stored = codec.compress(plain, planes: way.planes, level: level, into: codec.stored) else {
            throw StoreError(.io, "object \(digest.hex) did not come back as it was after it was compressed")
          }
          table.append(stored: stored, plain: plain.count)
          written = stored
          try store.fileSystem.write(
            descriptor, UnsafeRawBufferPointer(rebasing: codec.stored[..<stored]), at: place)
        }
      }
    } else {
      try block.withRaw { plain throws(StoreError) in
        sums.append(CRC32C.of(plain))
        try store.fileSystem.write(descriptor, plain, at: place)
      }
    }
    block.removeAll(keepingCapacity: true)
    writtenBytes += Int64(written)
    if store.durability == .full, writtenBytes - startedBytes >= Self.stretch {
      store.fileSystem.startSync(descriptor, from: startedBytes, count: Int(writtenBytes - startedBytes))
      startedBytes = writtenBytes
    }
  }

  private func drop() {
    if descriptor >= 0 { store.fileSystem.close(descriptor) }
    descriptor = -1
    if !file.isEmpty { try? store.fileSystem.remove(file, in: stage.descriptor, at: place) }
    file = ""
    block = []
  }
}

extension ObjectStore {
  /// Begins to take an object whose digest was announced. Throws `readOnly` where the cache is.
  public func writer(_ digest: Digest) throws(StoreError) -> ObjectWriter { try ObjectWriter(self, digest) }
}
