import Glibc
import Synchronization

/// One open pack. Its bytes are never changed once an index names them; it may be open after it was removed.
final class PackFile: Sendable {
  let pack: Int64
  let descriptor: Int32
  private let fileSystem: FileSystem

  init(pack: Int64, descriptor: Int32, _ fileSystem: FileSystem) {
    self.pack = pack
    self.descriptor = descriptor
    self.fileSystem = fileSystem
  }

  deinit { fileSystem.close(descriptor) }

  /// The file's path inside the cache.
  static func path(_ pack: Int64, _ kind: ObjectStore.Kind) -> String {
    let digits = String(UInt64(bitPattern: pack), radix: 16)
    return "packs/" + String(repeating: "0", count: 16 - digits.utf8.count) + digits + "." + kind.rawValue
  }

  /// Reads the name of a file in `packs/`; nil for any other.
  static func parse(_ name: String) -> (pack: Int64, kind: ObjectStore.Kind)? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == 16, let kind = ObjectStore.Kind(rawValue: String(parts[1])),
      let number = UInt64(parts[0], radix: 16), parts[0] == parts[0].lowercased()
    else { return nil }
    return (Int64(bitPattern: number), kind)
  }
}

/// Packs that are open for reading: opened once, closed when many others were used since.
final class OpenPacks: Sendable {
  private static let most = 128
  private let open = Mutex<[Int64: PackFile]>([:])

  func file(_ pack: Int64, _ make: () throws(StoreError) -> PackFile) throws(StoreError) -> PackFile {
    if let known = open.withLock({ $0[pack] }) { return known }
    let made = try make()
    open.withLock { open in
      // All at once: simpler than keeping an order, and as good, for packs are used in runs.
      if open.count >= Self.most { open.removeAll(keepingCapacity: true) }
      open[pack] = made
    }
    return made
  }

  /// Forgets a pack that was removed.
  func drop(_ pack: Int64) { open.withLock { _ = $0.removeValue(forKey: pack) } }
}
