import Glibc
import RungCore
import RungStore
import Synchronization

/// Holds the bytes of a `QuietState` against the disk.
///
/// Places are looked at on all processors, each by its own thread, in the bytes as they lie in the file: 100,000 places
/// take no memory but theirs.
final class QuietCheck {
  /// What the head says.
  let circumstances: String
  let instances: Int
  let notice: String?
  let made: Int64

  private let bytes: UnsafeMutableRawBufferPointer
  private let first: Int
  private let count: Int
  private let root: Int32

  /// Nil when the bytes are not a whole, undamaged state of this version, or the root cannot be opened.
  init?(_ path: String, root: String) {
    guard let bytes = Self.read(path) else { return nil }
    self.bytes = bytes
    self.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let head = Self.head(UnsafeRawBufferPointer(bytes))
    circumstances = head?.json["circumstances"]?.string ?? ""
    instances = head?.json["instances"]?.int ?? 0
    notice = head?.json["notice"]?.string
    made = Int64(head?.json["made"]?.int ?? 0)
    first = head?.first ?? 0
    count = head?.count ?? 0
    guard head != nil, self.root >= 0 else { return nil }
  }

  deinit {
    bytes.deallocate()
    if root >= 0 { close(root) }
  }

  private static func read(_ path: String) -> UnsafeMutableRawBufferPointer? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= QuietState.fixed,
      status.st_size < 1 << 32
    else { return nil }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 16)
    var done = 0
    while done < bytes.count {
      let got = Glibc.read(file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else {
        bytes.deallocate()
        return nil
      }
      done += got
    }
    return bytes
  }

  private static func head(_ bytes: UnsafeRawBufferPointer) -> (json: JSON, first: Int, count: Int)? {
    guard bytes.starts(with: QuietState.magic), number(bytes, 16, UInt64.self) == UInt64(bytes.count),
      number(bytes, 24, UInt32.self) == CRC32C.of(UnsafeRawBufferPointer(rebasing: bytes[28...]))
    else { return nil }
    let head = Int(number(bytes, 28, UInt32.self))
    let count = number(bytes, 32, UInt64.self)
    let first = QuietState.fixed + head
    guard first <= bytes.count, count <= UInt64((bytes.count - first) / QuietState.record),
      count == 0 || bytes[bytes.count - 1] == 0,
      let json = try? JSON(parsing: Array(bytes[QuietState.fixed..<first])), (json["instances"]?.int ?? -1) >= 0
    else { return nil }
    return (json, first, Int(count))
  }

  static func number<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ type: T.Type) -> T {
    T(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: T.self))
  }

  /// Whether every place is as it was. Where that took reading, because a place looked different, what it looks like now
  /// is written into the state, so that the next check need not read it.
  ///
  /// - Returns: nil when something is not as it was; else whether the state has changed, and `sealed` gives its bytes.
  func holds(threads wanted: Int) -> Bool? {
    let threads = max(1, min(wanted, 16, count / 512))
    let size = (count + threads - 1) / max(threads, 1)
    let work = Work(bytes: bytes, first: first, texts: first + count * QuietState.record, root: root)
    var started: [pthread_t] = []
    for thread in 1..<max(threads, 2) where thread < threads {
      let range = (thread * size)..<min(count, (thread + 1) * size)
      started.append(WorkerPool.start { work.check(range) })
    }
    work.check(0..<min(count, size))
    for thread in started { pthread_join(thread, nil) }
    guard !work.isDifferent.load(ordering: .relaxed) else { return nil }
    return work.hasChanged.load(ordering: .relaxed)
  }

  /// The bytes with what `holds` has learnt.
  func sealed() -> UnsafeRawBufferPointer {
    QuietState.seal(bytes)
    return UnsafeRawBufferPointer(bytes)
  }

  /// What the threads share. Each reads the paths and writes the records of its own range, and nobody else does either
  /// before all have been joined; that makes it safe to send the pointer.
  private final class Work: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    let first: Int
    let texts: Int
    let root: Int32
    let isDifferent = Atomic(false)
    let hasChanged = Atomic(false)

    init(bytes: UnsafeMutableRawBufferPointer, first: Int, texts: Int, root: Int32) {
      self.texts = texts
      self.bytes = bytes
      self.first = first
      self.root = root
    }

    func check(_ range: Range<Int>) {
      var grains = ClockGrains()
      for index in range {
        if isDifferent.load(ordering: .relaxed) { return }
        var place = QuietRecord(bytes, at: first + index * QuietState.record, texts: texts)
        switch place.check(root: root, &grains) {
        case .same: break
        case .renewed: hasChanged.store(true, ordering: .relaxed)
        case .different: isDifferent.store(true, ordering: .relaxed)
        }
      }
    }
  }
}

/// How long two changes of a file can carry the same time, by device.
struct ClockGrains {
  private var known: (device: UInt64, grain: Int64)?

  /// In nanoseconds, for a file on a device.
  mutating func grain(of path: String, device: UInt64) -> Int64 {
    if let known, known.device == device { return known.grain }
    let grain = SourceFiles.clockGrain(of: path)
    known = (device, grain)
    return grain
  }
}
