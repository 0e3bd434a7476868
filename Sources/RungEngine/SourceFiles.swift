internal import CLinux
import Glibc
import RungCore
import RungExec
import RungLedger
import RungStore

/// The contents of the project's files as they are when a run starts.
///
/// A file is looked at once: what is answered for it stays so until the end of the run, even when somebody edits it
/// (the plan is frozen). A file that the stat cache vouches for is not read: one with the same device, inode, size,
/// times and mode as when it was hashed, and older then than the clock's grain. In a run, small files that must be read
/// are stored at once, so that a step gets just the bytes that its key names.
struct SourceFiles {
  /// What is at a path.
  enum Content: Hashable {
    case file(digest: Digest, size: Int64, executable: Bool)
    case tree(digest: Digest, size: Int64)

    var digest: Digest {
      switch self {
      case .file(let digest, _, _): digest
      case .tree(let digest, _): digest
      }
    }

    var size: Int64 {
      switch self {
      case .file(_, let size, _): size
      case .tree(_, let size): size
      }
    }

    /// Whether it is just what an output holds: the same bytes, the same kind, executable or not alike.
    func isCopy(of output: ActionOutput) -> Bool {
      switch (self, output.kind) {
      case (.tree(let digest, _), .tree): digest == output.digest
      case (.file(let digest, _, let executable), .file): digest == output.digest && !executable
      case (.file(let digest, _, let executable), .executable): digest == output.digest && executable
      default: false
      }
    }
  }

  /// A file or folder that cannot be read.
  struct Problem: Error {
    let message: String
  }

  let root: String
  private let store: ObjectStore?
  private var keeps = true
  // What is looked at is a published copy, and no step's input.
  private var isCopy = false
  private(set) var cached: [String: StatEntry]
  // What was answered about paths that steps were seen to use.
  var sightings: [String: Seen] = [:]
  var listings: [String: [[UInt8]]?] = [:]
  private var answers: [String: Content] = [:]
  /// What the stat cache knew of large files that have changed since.
  private(set) var replaced: [String: Digest] = [:]
  // By device: how long two changes of a file can carry the same time.
  private var grains: [UInt64: Int64] = [:]
  // The manifests that were formed, when somebody wants to see them.
  private var manifests: [Digest: TreeManifest]?
  /// What was seen so far; only in a run, for questions do not tell anybody of it.
  var looks: Looks?
  /// What was hashed and may be remembered.
  private(set) var fresh: [StatEntry] = []

  /// Small enough to be stored while it is hashed, in bytes.
  private static let storeAtOnce: Int64 = 1 << 20

  /// The files of the project at `root`.
  ///
  /// - Parameters:
  ///   - cached: what the stat cache holds.
  ///   - storingIn: where small new files are kept; nil when nothing is to be written.
  init(root: String, cached: [StatEntry], storingIn store: ObjectStore?) {
    self.root = root
    self.store = store
    looks = store == nil ? nil : Looks()
    self.cached = Dictionary(cached.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
  }

  /// The content of a regular file that was observed: relative to the project, or absolute. Its bytes are not stored.
  mutating func content(observed path: String, _ status: stat) throws(Problem) -> Content {
    if let known = answers[path] { return known }
    keeps = false
    return try file(path, path.hasPrefix("/") ? path : "\(root)/\(path)", status)
  }

  private mutating func grain(_ path: String, _ device: UInt64) -> Int64 {
    if let known = grains[device] { return known }
    let grain = Self.clockGrain(of: path)
    grains[device] = grain
    return grain
  }

  /// The entries that were made since the last call.
  mutating func takeFresh() -> [StatEntry] {
    defer { fresh = [] }
    return fresh
  }

  /// The content at a path of the project, links followed; nil when nothing is there.
  ///
  /// - Parameter keeping: false for what is no input of a step, such as a published copy: its bytes are not stored.
  mutating func content(_ path: RelativePath, keeping: Bool = true) throws(Problem) -> Content? {
    keeps = keeping
    isCopy = !keeping
    defer { isCopy = false }
    return try content(named: path.text, at: path.absolute(in: root))
  }

  /// The content of a file anywhere on the machine, by absolute path; nil when nothing is there. Its bytes are not
  /// stored.
  mutating func content(absolute path: String) throws(Problem) -> Content? {
    keeps = false
    return try content(named: path, at: path)
  }

  /// The files below a folder of the project, by path from there, with their contents; nil when it is no folder.
  mutating func listing(_ folder: RelativePath) throws(Problem) -> [String: Digest]? {
    keeps = false
    manifests = [:]
    defer { manifests = nil }
    let name = folder.text
    guard case .tree(let digest, _)? = try tree(named: name, at: folder.absolute(in: root)) else { return nil }
    var files: [String: Digest] = [:]
    collect(digest, "", &files)
    return files
  }

  private func collect(_ digest: Digest, _ prefix: String, _ files: inout [String: Digest]) {
    for entry in manifests?[digest]?.entries ?? [] {
      switch entry.kind {
      case .file(let digest, _, _): files[prefix + entry.name] = digest
      case .directory(let digest, _): collect(digest, "\(prefix)\(entry.name)/", &files)
      case .link(let target): files[prefix + entry.name] = Digest(of: target)
      }
    }
  }

  private mutating func tree(named name: String, at path: String) throws(Problem) -> Content? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    return try tree(name, path, depth: 0)
  }

  /// Forgets what was answered for a path, because Rung itself has just written there.
  mutating func forget(_ path: RelativePath) {
    answers[path.text] = nil
  }

  private mutating func content(named name: String, at path: String) throws(Problem) -> Content? {
    if let known = answers[name] { return known }
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR {
        if isCopy { looks?.note(copy: name, .absent) } else { looks?.note(name, follows: true, .absent) }
        return nil
      }
      throw Problem(message: "cannot look at \(name): \(Self.reason(errno))")
    }
    let answer: Content
    switch status.st_mode & S_IFMT {
    case S_IFREG: answer = try file(name, path, status)
    case S_IFDIR: answer = try tree(name, path, depth: 0)
    default: throw Problem(message: "\(name) is neither a file nor a folder")
    }
    answers[name] = answer
    if case .file(let digest, _, let executable) = answer {
      let seen = Looks.Seen.file(digest, executable: executable)
      if isCopy { looks?.note(copy: name, seen) } else { looks?.note(name, follows: true, seen) }
    }
    return answer
  }

  // MARK: files

  private mutating func file(_ name: String, _ path: String, _ first: stat) throws(Problem) -> Content {
    let executable = first.st_mode & S_IXUSR != 0
    if let entry = cached[name], Self.vouches(entry, for: first, grain: grain(path, UInt64(first.st_dev))) {
      return .file(digest: entry.digest, size: entry.size, executable: executable)
    }
    var before = first
    for _ in 0..<3 {
      let started = Clock.now()
      let stored: StoredFile
      do throws(StoreError) {
        // Only regular files come here, so following links is what the user means.
        if let kept = keep(path, before) { stored = kept } else { stored = try ObjectStore.digest(ofFileAt: path) }
      } catch {
        throw Problem(message: "cannot read \(name): \(error)")
      }
      var after = stat()
      guard stat(path, &after) == 0 else { break }
      if Self.same(before, after) {
        let entry = StatEntry(
          path: name, device: UInt64(after.st_dev), inode: UInt64(after.st_ino), size: Int64(after.st_size),
          modified: Self.nanoseconds(after.st_mtim), changed: Self.nanoseconds(after.st_ctim),
          mode: UInt32(after.st_mode), digest: stored.digest, hashedAt: started)
        if let old = cached[name], old.size >= StepTask.large, old.digest != stored.digest {
          replaced[name] = old.digest
        }
        cached[name] = entry
        fresh.append(entry)
        return .file(digest: stored.digest, size: stored.size, executable: executable)
      }
      before = after
    }
    throw Problem(message: "\(name) keeps changing while it is read")
  }

  // A small file is stored while it is hashed. When that fails (a full disk) it is no fault of the file: it is only
  // hashed, and the step that needs it will say what is wrong with the cache.
  private func keep(_ path: String, _ status: stat) -> StoredFile? {
    guard keeps, let store, status.st_size <= Self.storeAtOnce else { return nil }
    return try? store.put(fileAt: path, followLinks: true)
  }

  static func vouches(_ entry: StatEntry, for status: stat, grain: Int64) -> Bool {
    entry.device == UInt64(status.st_dev) && entry.inode == UInt64(status.st_ino)
      && entry.size == Int64(status.st_size) && entry.modified == nanoseconds(status.st_mtim)
      && entry.changed == nanoseconds(status.st_ctim) && entry.mode == UInt32(status.st_mode)
      && max(entry.modified, entry.changed) < entry.hashedAt - grain
  }

  private static func same(_ a: stat, _ b: stat) -> Bool {
    a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mode == b.st_mode
      && nanoseconds(a.st_mtim) == nanoseconds(b.st_mtim) && nanoseconds(a.st_ctim) == nanoseconds(b.st_ctim)
  }

  static func nanoseconds(_ time: timespec) -> Int64 {
    // A date far from ours is some date far from ours: what counts is whether it is another one.
    let (seconds, tooLarge) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    if tooLarge { return time.tv_sec < 0 ? .min : .max }
    return seconds.addingReportingOverflow(Int64(time.tv_nsec)).partialValue
  }

  // MARK: folders

  private mutating func tree(_ name: String, _ path: String, depth: Int) throws(Problem) -> Content {
    guard depth < 200 else { throw Problem(message: "\(name) is nested too deeply") }
    guard let listing = FolderNames(in: path) else {
      throw Problem(message: "cannot list \(name): \(Self.reason(errno))")
    }
    let names = listing.names
    looks?.note(name, follows: depth == 0, .listing(listing.digest))
    var entries: [TreeManifest.Entry] = []
    for bytes in names {
      let child = String(decoding: bytes, as: UTF8.self)
      guard Array(child.utf8) == bytes else {
        throw Problem(message: "\(name) holds a name that is not UTF-8: \(child)")
      }
      let childName = "\(name)/\(child)"
      let childPath = "\(path)/\(child)"
      var status = stat()
      guard lstat(childPath, &status) == 0 else { throw Problem(message: "\(childName) vanished while it was read") }
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        if case .file(let digest, let size, let executable) = try file(childName, childPath, status) {
          looks?.note(childName, follows: false, .file(digest, executable: executable))
          entries.append(.init(nameBytes: bytes, kind: .file(digest: digest, size: size, executable: executable)))
        }
      case S_IFDIR:
        if case .tree(let digest, let size) = try tree(childName, childPath, depth: depth + 1) {
          entries.append(.init(nameBytes: bytes, kind: .directory(digest: digest, size: size)))
        }
      case S_IFLNK:
        var target = [UInt8](repeating: 0, count: 4096)
        let length = target.withUnsafeMutableBytes { buffer -> Int in
          guard let base = buffer.baseAddress else { return -1 }
          return readlink(childPath, base.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard length > 0 else { throw Problem(message: "cannot read the link \(childName)") }
        looks?.note(childName, follows: false, .link(Digest(of: Array(target[..<length]))))
        entries.append(.init(nameBytes: bytes, kind: .link(target: Array(target[..<length]))))
      default: throw Problem(message: "\(childName) is neither a file, a folder nor a link")
      }
    }
    do throws(StoreError) {
      let manifest = try TreeManifest(entries: entries)
      let digest = manifest.digest
      if manifests != nil { manifests?[digest] = manifest }
      return .tree(digest: digest, size: manifest.size)
    } catch {
      throw Problem(message: "\(name): \(error)")
    }
  }

  // The names in a folder, without `.` and `..`, in no order; nil with errno when it cannot be read.
  static func names(in path: String) -> [[UInt8]]? { FolderNames(in: path)?.names }

  // How long two changes of a file can carry the same time: a clock tick on local file systems, whose times come from
  // this machine's clock; two seconds where they may come from another machine or be coarse (FAT).
  static func clockGrain(of root: String) -> Int64 {
    // ext, XFS, btrfs, tmpfs, overlay, ZFS (linux/magic.h).
    let local: Set<Int> = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1]
    return local.contains(rung_file_system_type(root)) ? 50_000_000 : 2_000_000_000
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
