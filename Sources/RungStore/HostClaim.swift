internal import CLinux
import Glibc

/// Keeps a cache on a file system of several machines to one of them at a time: SQLite's index lives in memory that two
/// machines do not share (sqlite.org/wal.html, "all processes using a database must be on the same host computer").
///
/// The file `host` of the cache names the machine; its processes hold a lock on it together. Held as long as the value.
public final class HostClaim: Sendable {
  private let file: Int32

  /// Claims the cache for this machine where its file system is one of several; nil where it is not. Throws `io` when
  /// another machine uses it now.
  public static func of(cache: String, host: String) throws(StoreError) -> HostClaim? {
    var place = cache
    // It need not be there yet.
    while access(place, F_OK) != 0, let slash = place.lastIndex(of: "/"), slash > place.startIndex {
      place = String(place[..<slash])
    }
    guard let kind = SharedFileSystem.name(of: place) else { return nil }
    mkdir(cache, 0o777)
    // Where nothing can be written, nothing is claimed.
    if access(cache, W_OK) != 0 { return nil }
    return try HostClaim(cache: cache, host: host, kind: kind)
  }

  init(cache: String, host: String, kind: String) throws(StoreError) {
    let path = "\(cache)/host"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      throw StoreError(.io, "cannot open '\(path)': \(String(cString: strerror(errno)))")
    }
    self.file = file
    if Self.lock(file, F_WRLCK) {
      let bytes = Array(host.utf8)
      guard ftruncate(file, 0) == 0, pwrite(file, bytes, bytes.count, 0) == bytes.count else {
        throw StoreError(.io, "cannot write '\(path)': \(String(cString: strerror(errno)))")
      }
      // Never free in between: an exclusive lock becomes a shared one at once (fcntl(2)).
      _ = Self.lock(file, F_RDLCK)
      return
    }
    // Somebody is just writing the name, or all hold it together.
    var tries = 0
    while !Self.lock(file, F_RDLCK) {
      tries += 1
      guard tries < 100 else { throw StoreError(.io, "'\(path)' is locked all the time; which program does that?") }
      usleep(10_000)
    }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = pread(file, &bytes, bytes.count, 0)
    let holder = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    guard holder == host else {
      throw StoreError(
        .io,
        "the cache '\(cache)' lies on \(kind) and is in use on \(holder.isEmpty ? "another machine" : holder); SQLite, which keeps its index, is for one machine at a time. Wait until that run has ended, or give this machine a cache of its own (RUNG_CACHE) and share results through a remote cache (docs/remotes.md)"
      )
    }
  }

  deinit { close(file) }

  private static func lock(_ file: Int32, _ kind: Int32) -> Bool {
    var range = Glibc.flock()
    range.l_type = Int16(kind)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = 0
    range.l_len = 1
    return fcntl(file, RUNG_F_OFD_SETLK, &range) == 0
  }
}
