import Glibc
import RungCore

// Space that is kept for the moment when the disk is full: collecting needs some, to give more back.
extension ObjectStore {
  private static let reserveSize: Int64 = 16 << 20
  /// A cache with less than this has no reserve: it would be most of what it takes.
  private static let leastCache: Int64 = 64 << 20

  /// Gives the space back before the cache is opened, which itself takes some. It is no error when there is none.
  public static func releaseReserve(ofCache path: String) {
    try? FileSystem.live.remove("\(path)/reserve", in: AT_FDCWD, at: path)
  }

  /// Gives the space back. It is no error when there is none.
  func releaseReserve() throws(StoreError) {
    do {
      try fileSystem.remove("reserve", in: root, at: "\(path)/reserve")
    } catch {
      guard error.code == .missing else { throw error }
    }
  }

  /// Takes the space at the first flush of a process, and again when it has put much, if the cache is large by then.
  func makeReserveInTime() throws(StoreError) {
    let isDue = shared.withLock { shared in
      shared.reserve == .notLookedAt || shared.reserve == .tooSmallForOne && shared.putBytes >= Self.leastCache
    }
    if isDue { try makeReserve() }
  }

  /// Takes the space where the cache is large enough. It is no error when there is none to take.
  func makeReserve() throws(StoreError) {
    guard durability == .full else { return }
    let put = shared.withLock { $0.putBytes }
    var isLarge = put >= Self.leastCache
    if !isLarge { isLarge = try packFiles().values.reduce(0) { $0 + $1.size } >= Self.leastCache }
    shared.withLock { $0.reserve = isLarge ? .done : .tooSmallForOne }
    guard isLarge else { return }
    let place = "\(path)/reserve"
    do throws(StoreError) {
      let file = try fileSystem.open("reserve", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644, in: root, at: place)
      defer { fileSystem.close(file) }
      if try fileSystem.stat(file, at: place).st_size == Self.reserveSize { return }
      try fileSystem.reserve(file, Self.reserveSize, at: place)
    } catch {
      guard error.code == .noSpace || error.errno == EOPNOTSUPP || error.errno == EINVAL else { throw error }
      try? fileSystem.remove("reserve", in: root, at: place)
    }
  }
}
