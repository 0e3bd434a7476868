import Glibc
import RungCore

/// What is in a folder, by name, without `.` and `..`.
struct FolderNames {
  /// In no order.
  private(set) var names: [[UInt8]] = []
  // Of each its kind, as readdir(3) has it.
  private var kinds: [UInt8] = []

  /// Lists a folder; nil, with errno, when it cannot be read.
  init?(in path: String) {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    read(folder)
  }

  /// The same of a folder that is open.
  init?(inOpen descriptor: Int32) {
    // The stream takes over the descriptor that it is given.
    let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard own >= 0 else { return nil }
    guard let folder = fdopendir(own) else {
      close(own)
      return nil
    }
    defer { closedir(folder) }
    read(folder)
  }

  private mutating func read(_ folder: OpaquePointer) {
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in Array(raw.prefix { $0 != 0 }) }
      if name == [46] || name == [46, 46] { continue }
      names.append(name)
      kinds.append(Self.kind(entry, dirfd(folder)))
    }
  }

  // Not every file system tells.
  private static func kind(_ entry: UnsafeMutablePointer<dirent>, _ folder: Int32) -> UInt8 {
    guard Int32(entry.pointee.d_type) == Int32(DT_UNKNOWN) else { return entry.pointee.d_type }
    var status = stat()
    let code = withUnsafePointer(to: &entry.pointee.d_name) { name in
      name.withMemoryRebound(to: CChar.self, capacity: 256) { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }
    }
    // The kinds of d_type are those of the mode (readdir(3)).
    return code == 0 ? UInt8(truncatingIfNeeded: (status.st_mode & S_IFMT) >> 12) : 0
  }

  /// Another one whenever a name comes or goes or becomes another kind of thing.
  var digest: Digest {
    var hash = FramedHash(domain: "rung/names/1")
    for at in names.indices.sorted(by: { names[$0].lexicographicallyPrecedes(names[$1]) }) {
      hash.field("name", bytes: names[at])
      hash.field("kind", Int(kinds[at]))
    }
    return hash.digest()
  }
}
