import Glibc
import RungCore
import Synchronization

/// A folder below `stage/` for what this process has written and not yet published. It holds the lock of its file
/// `lock` as long as it lives, so another process can tell it from what a dead one left.
final class StageFolder: Sendable {
  /// The folder's name inside the cache, such as `stage/3f…`.
  let name: String
  /// The open folder.
  let descriptor: Int32
  private let lockDescriptor: Int32
  private let root: Int32
  private let fileSystem: FileSystem
  private let counter = Atomic<Int>(0)

  private struct Pins: Sendable {
    var file: Int32 = -1
    var gate: Int32 = -1
    // While it is more than 0 the gate is held for many pins together, which are written at the end.
    var together = 0
    var pending: Set<Digest> = []
    var known: Set<Digest> = []
  }
  private let pins = Mutex(Pins())

  /// Owns `root` from here on, unless it throws: the folder has to be removed before that is closed.
  ///
  /// Removes what dead processes left and makes a folder for this one. Only one process does this at a time: without
  /// the lock of `stage/lock` a folder could be taken for dead between its making and its locking.
  init(root: Int32, in cache: String, _ fileSystem: FileSystem) throws(StoreError) {
    let gate = try Self.gate(root, cache, fileSystem)
    defer { fileSystem.close(gate) }
    try Self.sweep(root, cache, fileSystem)

    var random = SystemRandomNumberGenerator()
    let name = "stage/" + String(random.next() | 1 << 63, radix: 16)
    let place = "\(cache)/\(name)"
    guard try fileSystem.makeFolder(name, in: root, at: place) else {
      throw StoreError(.io, "\(place) exists although its name was drawn at random")
    }
    descriptor = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: place)
    do throws(StoreError) {
      lockDescriptor = try fileSystem.open("lock", O_RDWR | O_CREAT, mode: 0o666, in: descriptor, at: "\(place)/lock")
    } catch {
      fileSystem.close(descriptor)
      throw error
    }
    do throws(StoreError) {
      try fileSystem.lock(lockDescriptor, at: "\(place)/lock")
    } catch {
      fileSystem.close(descriptor)
      fileSystem.close(lockDescriptor)
      throw error
    }
    self.name = name
    self.root = root
    self.fileSystem = fileSystem
  }

  deinit {
    if pins.withLock({ !$0.known.isEmpty }) {
      Self.leavePins(of: folder, root, fileSystem)
    }
    // What was not flushed is nobody's. Errors do not matter: the next process sweeps.
    try? removeTree(name, in: root, fileSystem, at: name)
    pins.withLock { pins in
      if pins.file >= 0 { fileSystem.close(pins.file) }
      if pins.gate >= 0 { fileSystem.close(pins.gate) }
    }
    fileSystem.close(lockDescriptor)
    fileSystem.close(descriptor)
    fileSystem.close(root)
  }

  /// Tells collectors that this process relies on an object: it is spared for as long as the process lives. `isThere`
  /// looks whether it is there; its answer is returned, and what it saw cannot be taken away afterwards.
  ///
  /// No collector reads the pins and takes objects away between the two: both happen under a lock of the kernel that
  /// collectors hold alone and pinners together.
  func pin(_ digest: Digest, isThere: () throws(StoreError) -> Bool) throws(StoreError) -> Bool {
    try pins.withLock { pins throws(StoreError) -> Bool in
      if pins.known.contains(digest) || pins.pending.contains(digest) { return try isThere() }
      if pins.together > 0 {
        guard try isThere() else { return false }
        pins.pending.insert(digest)
        return true
      }
      try open(&pins)
      try fileSystem.lock(pins.gate, shared: true, at: Self.pinGateFile)
      defer { fileSystem.unlock(pins.gate) }
      guard try isThere() else { return false }
      try append([digest], to: &pins)
      return true
    }
  }

  /// True when this process has pinned the object before.
  func isPinned(_ digest: Digest) -> Bool {
    pins.withLock { $0.known.contains(digest) || $0.pending.contains(digest) }
  }

  /// True between `beginTogether` and `endTogether`: a pin then costs no call to the system.
  var isTogether: Bool { pins.withLock { $0.together > 0 } }

  /// Keeps collectors away until `endTogether`, so that many objects can be pinned at the price of one.
  func beginTogether() throws(StoreError) {
    try pins.withLock { pins throws(StoreError) in
      try open(&pins)
      if pins.together == 0 { try fileSystem.lock(pins.gate, shared: true, at: Self.pinGateFile) }
      pins.together += 1
    }
  }

  /// Writes what was pinned since and lets collectors go on. After an error nothing of it is pinned.
  func endTogether() throws(StoreError) {
    try pins.withLock { pins throws(StoreError) in
      pins.together -= 1
      guard pins.together == 0 else { return }
      defer {
        pins.pending = []
        fileSystem.unlock(pins.gate)
      }
      let news = pins.pending.filter { !pins.known.contains($0) }
      if !news.isEmpty { try append(Array(news), to: &pins) }
    }
  }

  /// The same for objects that this process is about to publish: no collector finds them before they are pinned.
  func pin(new digests: [Digest]) throws(StoreError) {
    try pins.withLock { pins throws(StoreError) in
      let news = digests.filter { !pins.known.contains($0) }
      if news.isEmpty { return }
      try open(&pins)
      if pins.together == 0 { try fileSystem.lock(pins.gate, shared: true, at: Self.pinGateFile) }
      defer { if pins.together == 0 { fileSystem.unlock(pins.gate) } }
      try append(news, to: &pins)
    }
  }

  private func open(_ pins: inout Pins) throws(StoreError) {
    if pins.file < 0 {
      pins.file = try fileSystem.open(
        Self.pinsFile, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644, in: descriptor, at: "\(name)/\(Self.pinsFile)")
    }
    if pins.gate < 0 { pins.gate = try Self.pinGate(root, fileSystem) }
  }

  private func append(_ digests: [Digest], to pins: inout Pins) throws(StoreError) {
    let place = "\(name)/\(Self.pinsFile)"
    do throws(StoreError) {
      try digests.flatMap { Array($0.bytes) }.withRaw { bytes throws(StoreError) in
        try fileSystem.write(pins.file, bytes, at: place)
      }
    } catch {
      // A part of a digest would shift all that come after it.
      try? fileSystem.cut(pins.file, to: Int64(pins.known.count * Digest.byteCount), at: place)
      throw error
    }
    pins.known.formUnion(digests)
  }

  private static let pinGateFile = "pins.lock"

  /// Opens the file whose lock pinners share and collectors hold alone.
  static func pinGate(_ root: Int32, _ fileSystem: FileSystem) throws(StoreError) -> Int32 {
    try fileSystem.open(pinGateFile, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o666, in: root, at: pinGateFile)
  }

  private static let pinsFile = "pins"

  // What a process had pinned that ended during a collection: `stage/pins-…`.
  private static let leftPins = "pins-"

  /// True while a process collects: it holds the lock of `gc.lock` from before it looks at anything.
  private static func isCollecting(_ root: Int32, _ fileSystem: FileSystem) -> Bool {
    guard let gate = try? fileSystem.open("gc.lock", O_RDWR | O_NOFOLLOW, in: root, at: "gc.lock") else { return false }
    defer { fileSystem.close(gate) }
    return (try? fileSystem.tryLock(gate, shared: true, at: "gc.lock")) == false
  }

  // A collection that is going on has looked at the records before this process wrote its last ones, and may read the
  // pins only after it has ended: so they stay until the collection is over.
  private static func leavePins(of folder: String, _ root: Int32, _ fileSystem: FileSystem) {
    guard isCollecting(root, fileSystem) else { return }
    try? fileSystem.rename(
      "stage/\(folder)/\(pinsFile)", in: root, to: "stage/\(leftPins)\(folder)", in: root, at: "stage/\(folder)")
  }

  /// The folder's name in `stage/`.
  var folder: String { String(name.dropFirst("stage/".count)) }

  /// What processes have pinned: those that live, and those that ended during this collection; but not the process with
  /// the stage `except`.
  static func pinned(
    _ root: Int32, _ cache: String, _ fileSystem: FileSystem, except: String?
  ) throws(StoreError) -> Set<Digest> {
    let place = "\(cache)/stage"
    let stage = try fileSystem.open("stage", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: place)
    defer { fileSystem.close(stage) }
    var result: Set<Digest> = []
    for entry in try fileSystem.list(stage, at: place) {
      let name = text(entry)
      if name == except { continue }
      do throws(StoreError) {
        let path = name.hasPrefix(leftPins) ? name : "\(name)/\(pinsFile)"
        let file = try fileSystem.open(path, O_RDONLY | O_NOFOLLOW, in: stage, at: "\(place)/\(path)")
        defer { fileSystem.close(file) }
        let size = Int(try fileSystem.stat(file, at: "\(place)/\(path)").st_size)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 8)
        defer { bytes.deallocate() }
        let count = try fileSystem.read(file, bytes, from: 0, at: "\(place)/\(path)")
        for start in stride(from: 0, to: count - count % Digest.byteCount, by: Digest.byteCount) {
          let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Digest.byteCount])
          if let digest = Digest(bytes: slice) { result.insert(digest) }
        }
      } catch {
        // The lock of the gate, a process that has pinned nothing, or a folder that was removed meanwhile.
        guard error.code == .missing else { throw error }
      }
    }
    return result
  }

  /// Forgets the pins of processes that have ended, when a collection is over.
  static func forgetLeftPins(_ root: Int32, _ cache: String, _ fileSystem: FileSystem) throws(StoreError) {
    let place = "\(cache)/stage"
    let stage = try fileSystem.open("stage", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: place)
    defer { fileSystem.close(stage) }
    for entry in try fileSystem.list(stage, at: place) where text(entry).hasPrefix(leftPins) {
      try removeTree(entry, in: stage, fileSystem, at: "\(place)/\(text(entry))")
    }
  }

  /// A name that no other thread gets.
  func newName() -> String { String(counter.wrappingAdd(1, ordering: .relaxed).newValue) }

  /// Waits for the lock under which folders are made and swept; closing the descriptor lets go of it.
  static func gate(_ root: Int32, _ cache: String, _ fileSystem: FileSystem) throws(StoreError) -> Int32 {
    let place = "\(cache)/stage/lock"
    let gate = try fileSystem.open("stage/lock", O_RDWR | O_CREAT, mode: 0o666, in: root, at: place)
    do {
      try fileSystem.lock(gate, at: place)
    } catch {
      fileSystem.close(gate)
      throw error
    }
    return gate
  }

  private static func sweep(_ root: Int32, _ cache: String, _ fileSystem: FileSystem) throws(StoreError) {
    let place = "\(cache)/stage"
    let stage = try fileSystem.open("stage", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: place)
    defer { fileSystem.close(stage) }
    for folder in try fileSystem.list(stage, at: place) {
      let name = text(folder)
      if name == "lock" { continue }
      if name.hasPrefix(leftPins) && isCollecting(root, fileSystem) { continue }
      let inside = "\(place)/\(name)"
      var lock: Int32 = -1
      do throws(StoreError) {
        lock = try fileSystem.open("\(name)/lock", O_RDWR | O_NOFOLLOW, in: stage, at: "\(inside)/lock")
      } catch {
        // No lock file: it died before it had one.
        guard error.code == .missing else { throw error }
      }
      defer { if lock >= 0 { fileSystem.close(lock) } }
      let isDead = try lock < 0 ? true : fileSystem.tryLock(lock, at: "\(inside)/lock")
      if isDead {
        leavePins(of: name, root, fileSystem)
        try removeTree(folder, in: stage, fileSystem, at: inside)
      }
    }
  }
}

/// Removes a file, a link, or a folder and what is in it, never through a link. What is gone already is not an error.
func removeTree(
  _ name: UnsafePointer<CChar>, in folder: Int32, _ fileSystem: FileSystem, at place: @autoclosure () -> String
) throws(StoreError) {
  do throws(StoreError) {
    do throws(StoreError) {
      try fileSystem.remove(name, in: folder, at: place())
      return
    } catch {
      guard error.errno == EISDIR || error.errno == EPERM else { throw error }
    }
    let inside = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: folder, at: place())
    defer { fileSystem.close(inside) }
    for entry in try fileSystem.list(inside, at: place()) {
      try removeTree(entry, in: inside, fileSystem, at: "\(place())/\(text(entry))")
    }
    try fileSystem.remove(name, in: folder, isFolder: true, at: place())
  } catch {
    if error.code != .missing { throw error }
  }
}
