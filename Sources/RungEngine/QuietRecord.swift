import Glibc
import RungCore
import RungStore

/// One place of a `QuietState`, in the bytes of its file.
struct QuietRecord {
  enum Verdict {
    case same
    /// The same content, which took reading: the record says now how it looks.
    case renewed
    case different
  }

  private let bytes: UnsafeMutableRawBufferPointer
  private let at: Int
  // Where the paths begin.
  private let texts: Int

  init(_ bytes: UnsafeMutableRawBufferPointer, at: Int, texts: Int) {
    self.texts = texts
    self.bytes = bytes
    self.at = at
  }

  private func number<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
    QuietCheck.number(UnsafeRawBufferPointer(bytes), at + offset, type)
  }

  // Ends with a zero; nil when it would lie where no paths are.
  private var path: UnsafePointer<CChar>? {
    let start = number(0, UInt64.self)
    // Behind all records, which other threads may be writing to; the last byte of all is a zero.
    guard start >= UInt64(texts), start < UInt64(bytes.count), let base = bytes.baseAddress else { return nil }
    return UnsafePointer((base + Int(start)).assumingMemoryBound(to: CChar.self))
  }

  private var kind: UInt8 { bytes[at + 8] }
  private var follows: Bool { bytes[at + 9] & 1 != 0 }
  private var isTrusted: Bool { bytes[at + 9] & 2 != 0 }
  private var digest: Digest? { Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[(at + 56)..<(at + 88)])) }

  private func isSame(_ status: stat) -> Bool {
    number(32, Int64.self) == Int64(status.st_size) && number(24, UInt64.self) == UInt64(status.st_ino)
      && number(40, Int64.self) == SourceFiles.nanoseconds(status.st_mtim)
      && number(48, Int64.self) == SourceFiles.nanoseconds(status.st_ctim)
      && number(16, UInt64.self) == UInt64(status.st_dev) && number(12, UInt32.self) == UInt32(status.st_mode)
  }

  /// Looks at the place. `root` is the folder that relative paths start from.
  mutating func check(root: Int32, _ grains: inout ClockGrains) -> Verdict {
    guard let path else { return .different }
    var status = stat()
    let isRoot = path.pointee == 0
    let code = isRoot ? fstat(root, &status) : fstatat(root, path, &status, follows ? 0 : AT_SYMLINK_NOFOLLOW)
    guard code == 0 else { return kind == 0 && (errno == ENOENT || errno == ENOTDIR) ? .same : .different }
    let type = status.st_mode & S_IFMT
    switch kind {
    case 1, 2:
      guard type == S_IFREG, (status.st_mode & S_IXUSR != 0) == (kind == 2) else { return .different }
      if isTrusted, isSame(status) { return .same }
      return renew(root, path, status, &grains) { file in
        (try? ObjectStore.digest(ofOpenFile: file, at: String(cString: path)))?.digest
      }
    case 3: return type == S_IFDIR ? .same : .different
    case 4:
      guard type == S_IFDIR else { return .different }
      if isTrusted, isSame(status) { return .same }
      return renew(root, path, status, &grains) { folder in
        FolderNames(inOpen: folder)?.digest
      }
    case 5:
      // To read a link costs no more than to look at it.
      guard type == S_IFLNK else { return .different }
      var target = [UInt8](repeating: 0, count: 4096)
      let length = target.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { readlinkat(root, path, $0.assumingMemoryBound(to: CChar.self), buffer.count) } ?? -1
      }
      guard length >= 0 else { return .different }
      return Digest(of: Array(target[..<length])) == digest ? .same : .different
    case 6: return type == S_IFREG ? .same : .different
    case 7: return type != S_IFREG && type != S_IFDIR && type != S_IFLNK ? .same : .different
    default: return .different
    }
  }

  // Reads what is there, and believes it only if it was the same thing before and after.
  private mutating func renew(
    _ root: Int32, _ path: UnsafePointer<CChar>, _ before: stat, _ grains: inout ClockGrains,
    _ read: (Int32) -> Digest?
  ) -> Verdict {
    let started = Clock.now()
    let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW)
    let file = path.pointee == 0 ? openat(root, ".", flags) : openat(root, path, flags)
    guard file >= 0 else { return .different }
    defer { close(file) }
    guard let found = read(file), found == digest else { return .different }
    var after = stat()
    guard fstat(file, &after) == 0, after.st_ino == before.st_ino, after.st_dev == before.st_dev else {
      return .different
    }
    let now = QuietState.Identity(after)
    guard now == QuietState.Identity(before) else { return .different }
    // A file's name only matters here for its file system.
    let grain = grains.grain(of: "/proc/self/fd/\(file)", device: now.device)
    let isOld = max(now.modified, now.changed) < started - grain
    // Nothing to write down: it looks as before, and is still too young to be trusted.
    if !isOld, isSame(before), !isTrusted { return .same }
    bytes[at + 9] = (bytes[at + 9] & 1) | (isOld ? 2 : 0)
    store(now.mode, 12)
    store(now.device, 16)
    store(now.inode, 24)
    store(now.size, 32)
    store(now.modified, 40)
    store(now.changed, 48)
    return .renewed
  }

  private func store<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { source in
      UnsafeMutableRawBufferPointer(rebasing: bytes[(at + offset)..<(at + offset + source.count)])
        .copyMemory(from: source)
    }
  }
}
