import Glibc
import RungCore

/// Reads a pack from a known place to its end, without an index.
struct PackScan {
  /// What was found sound, in the order of the pack.
  var entries: [(name: ObjectStore.Name, place: PackPlace)] = []
  /// Entries whose bytes are not what their header says: damaged, or written by a process that died over them.
  var damaged: [(name: ObjectStore.Name, place: PackPlace)] = []
  private static let mostDamaged = 256
  /// How far was read.
  let end: Int64

  /// Reads and verifies all entries from `start` on. Bytes that are none are passed over: what a dead process left of
  /// its last entry is never cut away, because it cannot be told from an entry that has gone bad.
  init(
    _ file: PackFile, from start: Int64, codec: Codec, _ fileSystem: FileSystem, at place: @autoclosure () -> String
  ) throws(StoreError) {
    let size = Int64(try fileSystem.stat(file.descriptor, at: place()).st_size)
    end = size
    var offset: Int64? = start
    let header = UnsafeMutableRawBufferPointer.allocate(byteCount: PackEntry.headerSize, alignment: 8)
    defer { header.deallocate() }
    while let at = offset, at + Int64(PackEntry.headerSize) <= size {
      let read = try fileSystem.read(file.descriptor, header, from: at, at: place())
      if read == header.count, let entry = PackEntry(UnsafeRawBufferPointer(header)) {
        let found = PackPlace(
          pack: file.pack, offset: at, stored: entry.stored, plain: entry.plain, planes: entry.planes)
        let isWhole = found.end <= size
        if isWhole, try Self.isSound(entry, at: found, file, codec, fileSystem, place()) {
          entries.append((entry.name, found))
          offset = found.end
          continue
        }
        damaged.append((entry.name, found))
      }
      // Each costs the reading of what it claims. A pack with so many of them was not damaged but made to cost time.
      if damaged.count >= Self.mostDamaged { return }
      // Its length cannot be believed either.
      offset = try Self.nextHeader(file, after: at, size, fileSystem, at: place())
    }
  }

  private static func isSound(
    _ entry: PackEntry, at found: PackPlace, _ file: PackFile, _ codec: Codec, _ fileSystem: FileSystem, _ place: String
  ) throws(StoreError) -> Bool {
    codec.fit(max(entry.plain, entry.stored))
    let stored = UnsafeMutableRawBufferPointer(rebasing: codec.stored[..<entry.stored])
    let begin = found.offset + Int64(PackEntry.headerSize)
    guard try fileSystem.read(file.descriptor, stored, from: begin, at: place) == entry.stored else { return false }
    let plain = UnsafeMutableRawBufferPointer(rebasing: codec.plain[..<entry.plain])
    if codec.decompress(UnsafeRawBufferPointer(stored), planes: entry.planes, into: plain) != nil { return false }
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(plain))
    return hash.digest() == entry.name.digest
  }

  // Looks for the next bytes that are a header; a check of 32 bits and a good many fixed fields keep chance away.
  private static func nextHeader(
    _ file: PackFile, after start: Int64, _ size: Int64, _ fileSystem: FileSystem, at place: String
  ) throws(StoreError) -> Int64? {
    let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 8)
    defer { window.deallocate() }
    var offset = start + 1
    while offset + Int64(PackEntry.headerSize) <= size {
      let count = try fileSystem.read(file.descriptor, window, from: offset, at: place)
      if count < PackEntry.headerSize { return nil }
      for index in 0...(count - PackEntry.headerSize) where window[index] == 0x5D && window[index + 1] == 0x2A {
        let bytes = UnsafeRawBufferPointer(rebasing: window[index..<index + PackEntry.headerSize])
        if PackEntry(bytes) != nil { return offset + Int64(index) }
      }
      offset += Int64(count - PackEntry.headerSize + 1)
    }
    return nil
  }
}
