import Glibc
import RungCore

/// The file `format.json` at a cache's root: which Rung can read it.
///
///     {"format": 2, "hash": "sha256", "needs": []}
///
/// `format` rises when older programs can no longer use the cache at all; `needs` names features that a program must
/// know to use it. A program that does not know one leaves everything untouched.
///
/// Format 2 added packs, tables of frames, raw files and lists to format 1, all of whose files are files of format 2 too:
/// a cache of format 1 becomes one of format 2 by this file alone.
enum StoreFormat {
  static let version = 2
  static let features: Set<String> = []
  private static let file = "format.json"

  /// The format of the cache, which is one that this program knows; nil when it has none yet.
  static func read(_ root: Int32, _ cache: String, _ fileSystem: FileSystem) throws(StoreError) -> Int? {
    let place = "\(cache)/\(file)"
    let descriptor: Int32
    do {
      descriptor = try fileSystem.open(file, O_RDONLY | O_NONBLOCK, in: root, at: place)
    } catch {
      if error.code == .missing { return nil }
      throw error
    }
    defer { fileSystem.close(descriptor) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 1)
    defer { buffer.deallocate() }
    let count = try fileSystem.read(descriptor, buffer, at: place)
    // An empty file is what some file systems leave of one that was never synchronised.
    if count == 0 { return nil }
    let bytes = Array(buffer[..<count])
    guard let json = try? JSON(parsing: bytes), let format = json["format"]?.int, format >= 1 else {
      throw StoreError(
        .damaged,
        "\(place) is damaged: its format cannot be read. If Rung \(version) wrote this cache, remove that file and it is"
          + " written again")
    }
    let unknown = (json["needs"]?.array ?? []).compactMap(\.string).filter { !features.contains($0) }
    guard format <= version, unknown.isEmpty else {
      let what = unknown.isEmpty ? "has format \(format)" : "needs \(unknown.joined(separator: ", "))"
      throw StoreError(
        .newerFormat,
        "the cache \(cache) \(what); this rung knows format \(version). Use the newer rung that wrote it, or another"
          + " cache. Nothing was changed")
    }
    return Int(format)
  }

  /// Writes the file, where it is missing or has an earlier format, the durable way: under another name, synchronised,
  /// renamed. The folder `stage` must exist. Under its lock, so that no other opener takes the staged file for a dead
  /// process's.
  static func write(
    _ root: Int32, _ cache: String, _ durability: Durability, _ fileSystem: FileSystem
  ) throws(StoreError) {
    let gate = try StageFolder.gate(root, cache, fileSystem)
    defer { fileSystem.close(gate) }
    if try read(root, cache, fileSystem) == version { return }
    let place = "\(cache)/\(file)"
    var random = SystemRandomNumberGenerator()
    // A name that nobody had: one left by a killed process may still be there.
    let staged = "stage/format-" + String(random.next(), radix: 16)
    let text = "{\"format\": \(version), \"hash\": \"sha256\", \"needs\": []}\n"
    let descriptor = try fileSystem.open(staged, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666, in: root, at: place)
    defer { fileSystem.close(descriptor) }
    try Array(text.utf8).withUnsafeBufferPointer { bytes throws(StoreError) in
      try fileSystem.write(descriptor, UnsafeRawBufferPointer(bytes), at: place)
    }
    if durability == .full { try fileSystem.sync(descriptor, at: place) }
    try fileSystem.rename(staged, in: root, to: file, in: root, at: place)
    // Everything: the folders around the cache may be new too.
    if durability == .full { try fileSystem.syncAll(root, at: cache) }
  }
}
