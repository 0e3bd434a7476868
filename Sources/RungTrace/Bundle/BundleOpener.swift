import Glibc
import RungCore
import RungLedger
import RungModel
import RungStore

/// Makes a project of a bundle: its files, and a cache with its records and results.
///
/// Nothing in a bundle is believed: every path has to be one of those that its manifest lists, below the folder, and every
/// file and object has to have the content that its name or the manifest says. Links and anything else that is no regular
/// file are refused. The folder appears when all of it is sound, or not at all.
public enum BundleOpener {
  /// What a bundle became.
  public struct Report: Sendable {
    /// Its manifest.
    public let manifest: BundleManifest
    /// How many records the new cache has in its index.
    public let records: Int
  }

  // A manifest of some hundred thousand files, in bytes.
  private static let largestManifest: Int64 = 64 << 20
  private static let piece = 4 << 20

  /// Opens the bundle at `path` as the new folder `folder`, whose parent must exist. A folder that is there must be empty.
  /// `discard` removes a folder with all that is in it: called when the bundle turns out to be unsound.
  public static func open(
    _ path: String, as folder: String, discard: (String) -> Void
  ) throws(BundleError) -> Report {
    if let problem = occupied(folder) { throw problem }
    var base = folder
    while base.count > 1, base.hasSuffix("/") { base.removeLast() }
    let temporary = "\(base).rung-\(getpid())"
    guard mkdir(temporary, 0o755) == 0 else { throw ZstdWriter.failure("make the folder", temporary) }
    var isDone = false
    defer { if !isDone { discard(temporary) } }
    var unpacking = try Unpacking(path, into: temporary)
    let manifest = try unpacking.run()
    let records = try unpacking.finish()
    // An empty folder may be in the way; a full one cannot be replaced.
    guard rename(temporary, base) == 0 else { throw ZstdWriter.failure("make the folder", folder) }
    isDone = true
    return Report(manifest: manifest, records: records)
  }

  /// Whether a bundle may have a file, or a folder of sources, at this path: below the project, written in the one plain
  /// way, and neither the cache, nor the manifest, nor anything that git would act on.
  static func mayWrite(_ text: String) -> Bool {
    guard let path = RelativePath(text), path.text == text, !text.isEmpty, text != BundleManifest.fileName else {
      return false
    }
    return path.components.first != "cache" && !path.components.contains { $0.lowercased() == ".git" }
      && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
  }

  /// Whether settings leave it open where the cache lies. False too when they cannot be read.
  static func saysNothingOfACache(_ settings: [UInt8]) -> Bool {
    guard let path = RelativePath("rung.yaml") else { return false }
    let files = BundledFiles([path: settings])
    return (try? Project.load(root: "/", files: files.access))?.settings.cache == .some(nil)
  }

  private static func occupied(_ folder: String) -> BundleError? {
    guard let stream = opendir(folder) else {
      return errno == ENOENT ? nil : ZstdWriter.failure("make the folder", folder)
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." {
        return BundleError("the folder \(folder) is not empty", hints: ["name a new one: rung unbundle FILE FOLDER"])
      }
    }
    return nil
  }

  private struct Unpacking {
    let path: String
    let folder: String
    let reader: ZstdReader
    let store: ObjectStore
    var manifest: BundleManifest?
    var files: [String: BundleManifest.File] = [:]
    var objects: [Digest: Int64] = [:]
    var records: [Digest: Int64] = [:]

    init(_ path: String, into folder: String) throws(BundleError) {
      self.path = path
      self.folder = folder
      reader = try ZstdReader(path)
      let cache = "\(folder)/cache"
      do throws(StoreError) { store = try ObjectStore(path: cache) } catch {
        throw BundleError(error.message, isMachineFault: true)
      }
    }

    mutating func run() throws(BundleError) -> BundleManifest {
      var longName: [UInt8]?
      while true {
        guard let entry = try TarFormat.entry(try reader.read(TarFormat.block)) else { break }
        let name = longName ?? entry.path
        longName = nil
        switch entry.type {
        case UInt8(ascii: "x"):
          guard entry.size <= 1 << 16 else { throw BundleError("the bundle is damaged: a name is too long") }
          longName = try TarFormat.path(inPax: try bytes(entry.size))
        case UInt8(ascii: "0"), 0: try take(String(decoding: name, as: UTF8.self), entry)
        case UInt8(ascii: "1"), UInt8(ascii: "2"):
          throw BundleError("the bundle holds a link, \(Self.shown(name)): it is refused")
        default:
          throw BundleError("the bundle holds something that is no regular file, \(Self.shown(name)): it is refused")
        }
      }
      // To the end of the frame, where its checksum is.
      while try !reader.read(BundleOpener.piece).isEmpty {}
      guard let manifest else { throw BundleError("\(path) is no bundle: it has no \(BundleManifest.fileName)") }
      if let missing = files.keys.min() { throw BundleError("the bundle lacks \(missing), which its manifest lists") }
      if let missing = objects.keys.min() ?? records.keys.min() {
        throw BundleError("the bundle lacks \(missing.hex), which its manifest lists")
      }
      return manifest
    }

    private static func shown(_ name: [UInt8]) -> String {
      "'" + String(decoding: name.prefix(200).map { $0 < 0x20 || $0 == 0x7f ? 0x3f : $0 }, as: UTF8.self) + "'"
    }

    private mutating func take(_ name: String, _ entry: TarFormat.Entry) throws(BundleError) {
      if manifest == nil {
        guard name == BundleManifest.fileName, entry.size <= BundleOpener.largestManifest else {
          throw BundleError("\(path) is no bundle: it does not begin with \(BundleManifest.fileName)")
        }
        return try takeManifest(try bytes(entry.size))
      }
      if let rest = Self.drop("project/", name) {
        guard let file = files.removeValue(forKey: rest) else { throw unlisted(name) }
        guard file.size == entry.size else { throw wrong(name) }
        return try takeFile(file)
      }
      if let rest = Self.drop("records/", name), let digest = Self.digest(rest),
        let size = records.removeValue(forKey: digest)
      {
        guard size == entry.size, size <= BundleOpener.largestManifest else { throw wrong(name) }
        let bytes = try bytes(size)
        guard Digest(of: bytes) == digest else { throw wrong(name) }
        return try storing { () throws(StoreError) in _ = try store.putRecord(bytes) }
      }
      if let rest = Self.drop("objects/", name), let digest = Self.digest(rest),
        let size = objects.removeValue(forKey: digest)
      {
        guard size == entry.size else { throw wrong(name) }
        let place = "\(folder)/cache/.unpacked"
        try write(size, to: place, isExecutable: false)
        defer { unlink(place) }
        return try keep(place, digest, name)
      }
      throw unlisted(name)
    }

    private static func digest(_ hex: String) -> Digest? { Digest("sha256:" + hex) }

    private func unlisted(_ name: String) -> BundleError {
      BundleError("the bundle holds \(Self.shown(Array(name.utf8))), which its manifest does not list: it is refused")
    }

    private func wrong(_ name: String) -> BundleError {
      BundleError("the bundle is damaged: \(name) is not what the manifest says")
    }

    private static func drop(_ prefix: String, _ text: String) -> String? {
      text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    private mutating func takeManifest(_ bytes: [UInt8]) throws(BundleError) {
      guard let json = try? JSON(parsing: bytes) else { throw BundleError("the bundle's manifest is no JSON") }
      guard let manifest = BundleManifest(json: json) else {
        let format = json["format"]?.string ?? "none"
        throw BundleError(
          "the bundle has the format \(format), and this rung knows \(BundleManifest.format)",
          hints: ["open it with the rung that made it, or a newer one"])
      }
      for file in manifest.files {
        // Only a path that stays below the folder, written in the one way, and outside what the bundle does not own.
        guard BundleOpener.mayWrite(file.path) else {
          throw BundleError("the bundle wants to write \(Self.shown(Array(file.path.utf8))): it is refused")
        }
        guard files.updateValue(file, forKey: file.path) == nil else {
          throw BundleError("the bundle's manifest lists \(file.path) twice")
        }
      }
      for object in manifest.objects { objects[object.digest] = object.size }
      for record in manifest.records { records[record.digest] = record.size }
      self.manifest = manifest
      let descriptor = try create("\(folder)/\(BundleManifest.fileName)", isExecutable: false)
      defer { close(descriptor) }
      try put(bytes, to: descriptor)
    }

    private func takeFile(_ file: BundleManifest.File) throws(BundleError) {
      var place = folder
      for component in (RelativePath(file.path) ?? .root).parent.components {
        place += "/\(component)"
        guard mkdir(place, 0o755) == 0 || errno == EEXIST else { throw ZstdWriter.failure("make the folder", place) }
      }
      place = "\(folder)/\(file.path)"
      try write(file.size, to: place, isExecutable: file.isExecutable)
      try keep(place, file.digest, "project/\(file.path)")
      guard file.path == "rung.yaml" else { return }
      let settings = try storingValue { () throws(StoreError) in try store.read(file.digest, limit: 1 << 24) }
      guard BundleOpener.saysNothingOfACache(settings) else {
        throw BundleError("the bundle's rung.yaml says where the cache lies: it is refused")
      }
    }

    // Everything that the records name is in the cache too.
    private func keep(_ place: String, _ digest: Digest, _ name: String) throws(BundleError) {
      var found = Digest.empty
      try storing { () throws(StoreError) in found = try store.put(fileAt: place).digest }
      guard found == digest else { throw wrong(name) }
    }

    private func storing(_ body: () throws(StoreError) -> Void) throws(BundleError) {
      do throws(StoreError) { try body() } catch { throw BundleError(error.message, isMachineFault: true) }
    }

    private func storingValue<T>(_ body: () throws(StoreError) -> T) throws(BundleError) -> T {
      do throws(StoreError) { return try body() } catch { throw BundleError(error.message, isMachineFault: true) }
    }

    // The whole of a small entry, and what fills its last block.
    private func bytes(_ size: Int64) throws(BundleError) -> [UInt8] {
      let padded = size + Int64(TarFormat.padding(size).count)
      let bytes = try reader.read(Int(padded))
      guard bytes.count == Int(padded) else { throw BundleError("\(path) ends too early: it is a part of a bundle") }
      return Array(bytes.prefix(Int(size)))
    }

    private func write(_ size: Int64, to place: String, isExecutable: Bool) throws(BundleError) {
      let descriptor = try create(place, isExecutable: isExecutable)
      defer { close(descriptor) }
      var rest = size
      while rest > 0 {
        let bytes = try reader.read(Int(min(rest, Int64(BundleOpener.piece))))
        if bytes.isEmpty { throw BundleError("\(path) ends too early: it is a part of a bundle") }
        try put(bytes, to: descriptor)
        rest -= Int64(bytes.count)
      }
      let padding = TarFormat.padding(size).count
      guard try reader.read(padding).count == padding else {
        throw BundleError("\(path) ends too early: it is a part of a bundle")
      }
    }

    private func create(_ place: String, isExecutable: Bool) throws(BundleError) -> Int32 {
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let descriptor = Glibc.open(place, flags, isExecutable ? 0o755 : 0o644)
      guard descriptor >= 0 else { throw ZstdWriter.failure("write", place) }
      return descriptor
    }

    private func put(_ bytes: [UInt8], to descriptor: Int32) throws(BundleError) {
      var done = 0
      while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
          if errno == EINTR { continue }
          throw ZstdWriter.failure("write", folder)
        }
        done += count
      }
    }

    // More than any data set, and no more than a disk can bear.
    private static let mostEntries = 10_000_000

    // How many files and folders a folder stands for; folders may share what is in them, and so be exponential.
    private func count(_ tree: Digest, _ known: inout [Digest: Int], depth: Int) throws -> Int {
      if let count = known[tree] { return count }
      guard depth < 200 else { throw BundleError("a folder of the bundle is more than 200 folders deep") }
      var sum = 0
      for entry in try store.tree(tree).entries {
        sum += 1
        if case .directory(let inner, _) = entry.kind { sum += try count(inner, &known, depth: depth + 1) }
        sum = min(sum, Self.mostEntries + 1)
      }
      known[tree] = sum
      return sum
    }

    // What the records say of the subject, which the manifest only claims.
    private func provenLineage() throws -> Lineage {
      guard let subject = manifest?.subject, let record = Record(bytes: try store.readRecord(subject.record)),
        record.outcome == .succeeded,
        record.outputs.contains(where: { $0.name == subject.output && $0.digest == subject.digest })
      else { throw BundleError("the bundle's records do not say what its manifest claims it is of") }
      let lineage = Lineage.of(records: [subject.record], store: store)
      if let gap = lineage.incomplete.first { throw BundleError("the bundle is incomplete: \(gap.message)") }
      return lineage
    }

    // Folders among the sources, then the index. The answer is how many records it has.
    func finish() throws(BundleError) -> Int {
      try storing { () throws(StoreError) in try store.flush() }
      do {
        let ledger = try Ledger(path: "\(folder)/cache/index.sqlite", durable: true)
        let report = try IndexRebuilder.rebuild(store: store, ledger: ledger, project: ".")
        if let problem = report.damaged.first { throw BundleError("the bundle is damaged: \(problem)") }
        let lineage = try provenLineage()
        var outer: [String] = []
        var entries: [Digest: Int] = [:]
        for source in lineage.sources.filter({ $0.kind == .tree }).sorted(by: { $0.path < $1.path }) {
          guard BundleOpener.mayWrite(source.path), let path = RelativePath(source.path) else {
            throw BundleError("the bundle wants to write \(source.path): it is refused")
          }
          // The folder that it lies in has it already.
          if outer.contains(where: { source.path == $0 || source.path.hasPrefix($0 + "/") }) { continue }
          outer.append(source.path)
          guard try count(source.digest, &entries, depth: 0) <= Self.mostEntries else {
            throw BundleError("the folder \(source.path) of the bundle has more than \(Self.mostEntries) entries")
          }
          var place = folder
          for component in path.parent.components {
            place += "/\(component)"
            guard mkdir(place, 0o755) == 0 || errno == EEXIST else {
              throw ZstdWriter.failure("make the folder", place)
            }
          }
          try store.restoreTree(source.digest, to: "\(folder)/\(path.text)")
        }
        return report.records
      } catch let error as BundleError {
        throw error
      } catch {
        throw BundleError("\(error)", isMachineFault: true)
      }
    }
  }
}
