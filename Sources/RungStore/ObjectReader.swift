import Glibc
import RungCore

/// The plain bytes of one object in pieces, for whoever sends them elsewhere; memory is bounded by a piece, not by the
/// object.
///
/// The last piece is handed over only after the digest of the whole was found right: who sends what it gets, and sends
/// all of it, has sent the object. To be used by one thread at a time.
public final class ObjectReader {
  /// The object's name.
  public let digest: Digest
  /// Its plain bytes in number, as its table says.
  public let size: Int64

  private let store: ObjectStore
  private let stored: Stored?
  // An object of an earlier format, whose frames have no table: its plain bytes in a file without a name.
  private let file: Int32
  private var hash = SHA256()
  private var next = 0
  private var offset: Int64 = 0
  private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  init(_ store: ObjectStore, _ digest: Digest) throws(StoreError) {
    self.store = store
    self.digest = digest
    if digest == .empty {
      (stored, size, file) = (nil, 0, -1)
      return
    }
    let found = try store.open(ObjectStore.Name(kind: .object, digest: digest))
    if let known = found.size {
      (stored, size, file) = (found, known, -1)
      return
    }
    let stage = try store.writable()
    let name = stage.newName()
    let place = "\(store.path)/\(stage.name)/\(name)"
    size = try store.restore(digest, to: name, in: stage.descriptor, executable: false, at: place)
    stored = nil
    file = try store.fileSystem.open(name, O_RDONLY | O_NOFOLLOW, in: stage.descriptor, at: place)
    try? store.fileSystem.remove(name, in: stage.descriptor, at: place)
  }

  deinit {
    buffer.deallocate()
    if file >= 0 { store.fileSystem.close(file) }
  }

  /// The next piece, at most 8 MiB; empty at the end. Valid until the next call. Throws `damaged`, and then what was
  /// handed over before is worth nothing.
  public func piece() throws(StoreError) -> UnsafeRawBufferPointer {
    guard let stored else { return try pieceOfFile() }
    guard next < stored.segments.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let segment = stored.segments[next]
    fit(stored.largest)
    let plain = UnsafeMutableRawBufferPointer(rebasing: buffer[..<segment.plain])
    let number = next
    let problem = try store.codecs.with { codec throws(StoreError) in
      codec.fit(segment)
      return try store.decode(stored, number, into: plain, codec)
    }
    if let problem { throw store.setAside(stored, piece: number, problem) }
    hash.update(UnsafeRawBufferPointer(plain))
    next += 1
    if next == stored.segments.count, hash.digest() != digest { throw store.setAsideWrongPart(of: stored) }
    return UnsafeRawBufferPointer(plain)
  }

  // Verified when it was written there.
  private func pieceOfFile() throws(StoreError) -> UnsafeRawBufferPointer {
    guard file >= 0, offset < size else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    fit(Frames.plain)
    let count = try store.fileSystem.read(file, buffer, from: offset, at: "\(store.path)/\(digest.hex)")
    offset += Int64(count)
    return UnsafeRawBufferPointer(rebasing: buffer[..<count])
  }

  private func fit(_ count: Int) {
    guard buffer.count < count else { return }
    buffer.deallocate()
    buffer = .allocate(byteCount: count, alignment: 64)
  }
}

extension ObjectStore {
  /// Opens an object to be read in pieces. Throws `missing`, or `damaged` when what leads to it is.
  public func reader(_ digest: Digest) throws(StoreError) -> ObjectReader { try ObjectReader(self, digest) }
}
