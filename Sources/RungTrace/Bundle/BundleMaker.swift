import RungCore
import RungLedger
import RungModel
import RungStore

/// Makes a bundle of a figure: everything with which a stranger can make it again.
public struct BundleMaker {
  /// What is to be written, and from where.
  struct Content {
    var manifest: BundleManifest
    // Files whose bytes are not those of an object.
    var replaced: [String: [UInt8]] = [:]
    /// Results that are not in the cache any more.
    var gone = 0
  }

  private let trace: Trace
  private let store: ObjectStore
  private let version: String
  private let readFromProject: (RelativePath, Int64) -> [UInt8]?

  /// A maker for a traced figure.
  ///
  /// - Parameter readFromProject: the bytes of a file of the project as it is now, at most so many; nil when there is none.
  ///   Asked for sources that the cache does not have.
  public init(
    trace: Trace, store: ObjectStore, version: String,
    readFromProject: @escaping (_ path: RelativePath, _ limit: Int64) -> [UInt8]?
  ) {
    self.trace = trace
    self.store = store
    self.version = version
    self.readFromProject = readFromProject
  }

  // Sources are read whole, in bytes; results are not.
  private static let largestSource: Int64 = 4 << 30
  private static let piece: Int64 = 8 << 20

  /// What a bundle was made of.
  public struct Report: Sendable {
    /// The manifest.
    public let manifest: BundleManifest
    /// Results that are not in the cache any more, and so not in the bundle.
    public let gone: Int
  }

  /// Writes the bundle to a new file, durable on return. On any error nothing is left. Throws when something that the
  /// figure was made from is neither in the cache nor, as it was, in the project.
  public func write(to path: String, sourcesOnly: Bool) throws(BundleError) -> Report {
    let content = try content(sourcesOnly: sourcesOnly)
    let file = try ZstdWriter(path)
    var isDone = false
    defer { if !isDone { Self.remove(path) } }
    try add(Array(content.manifest.json.pretty.utf8) + [10], as: BundleManifest.fileName, to: file)
    for source in content.manifest.files {
      let place = "project/\(source.path)"
      if let bytes = content.replaced[source.path] {
        try add(bytes, as: place, to: file, isExecutable: source.isExecutable)
      } else {
        try add(source.digest, source.size, as: place, to: file, isExecutable: source.isExecutable)
      }
    }
    for record in content.manifest.records {
      try add(
        try reading { () throws(StoreError) in try store.readRecord(record.digest) },
        as: "records/\(record.digest.hex)", to: file)
    }
    for object in content.manifest.objects {
      try add(object.digest, object.size, as: "objects/\(object.digest.hex)", to: file)
    }
    try file.write(TarFormat.end, isLast: true)
    isDone = true
    return Report(manifest: content.manifest, gone: content.gone)
  }

  private func add(
    _ bytes: [UInt8], as path: String, to file: ZstdWriter, isExecutable: Bool = false
  ) throws(BundleError) {
    let size = Int64(bytes.count)
    try file.write(TarFormat.header(path, size: size, isExecutable: isExecutable))
    try file.write(bytes)
    try file.write(TarFormat.padding(size))
  }

  private func add(
    _ digest: Digest, _ size: Int64, as path: String, to file: ZstdWriter, isExecutable: Bool = false
  ) throws(BundleError) {
    try file.write(TarFormat.header(path, size: size, isExecutable: isExecutable))
    var done: Int64 = 0
    while done < size {
      let end = min(size, done + Self.piece)
      let bytes = try reading { () throws(StoreError) in try store.read(digest, range: done..<end) }
      guard bytes.count == Int(end - done) else { throw BundleError("object \(digest.hex) is shorter than was said") }
      try file.write(bytes)
      done = end
    }
    try file.write(TarFormat.padding(size))
  }

  private func reading<T>(_ body: () throws(StoreError) -> T) throws(BundleError) -> T {
    do throws(StoreError) { return try body() } catch {
      throw BundleError(error.message, isMachineFault: error.code != .missing)
    }
  }

  // MARK: what belongs to it

  func content(sourcesOnly: Bool) throws(BundleError) -> Content {
    let lineage = trace.lineage
    guard let root = lineage.execution(trace.subject.record)?.record else {
      throw BundleError("the record of \(trace.subject.file) cannot be read")
    }
    if let gap = lineage.incomplete.first {
      throw BundleError("not everything on the way to \(trace.subject.file) is known: \(gap.message)")
    }
    let run = try self.run(of: root)
    let declarations = try self.declarations(of: run)
    var files: [String: BundleManifest.File] = [:]
    var replaced: [String: [UInt8]] = [:]
    for (path, bytes) in declarations.files {
      let text = path.text
      // Where the results lie is up to whoever opens the bundle.
      let kept = text == "rung.yaml" ? try withoutCache(bytes) : bytes
      replaced[text] = kept
      files[text] = .init(path: text, digest: Digest(of: kept), size: Int64(kept.count), isExecutable: false)
    }
    var objects: [Digest: Int64] = [:]
    let folders = try self.folders(of: lineage)
    for folder in folders {
      guard try addTree(folder.digest, to: &objects) else { throw lost(folder.path) }
    }
    for path in files.keys where try isInside(path, files[path]?.digest, folders) { files[path] = nil }
    for source in lineage.sources where source.kind != .tree {
      if try isInside(source.path, source.digest, folders) { continue }
      if let other = files[source.path] {
        if other.digest == source.digest || source.path == "rung.yaml" { continue }
        throw twice(source.path)
      }
      let (size, bytes) = try self.source(source)
      if let bytes { replaced[source.path] = bytes }
      files[source.path] = .init(
        path: source.path, digest: source.digest, size: size, isExecutable: source.kind == .executable)
    }
    let gone = try addObjects(of: lineage, sourcesOnly: sourcesOnly, &objects)
    var records = lineage.executions.map(\.digest)
    records += Set(lineage.executions.compactMap(\.record.runRecord)).sorted()
    // By these, results stand for a pipeline that has changed since.
    records += trace.standingAcceptances.map(\.digest)
    // So that what was opened can be bundled again.
    for declaration in run.declarations {
      objects[declaration.digest] = try reading { () throws(StoreError) in try store.size(declaration.digest) }
    }
    var listed: [BundleManifest.Object] = []
    for record in records {
      let bytes = try reading { () throws(StoreError) in try store.readRecord(record) }
      listed.append(.init(digest: record, size: Int64(bytes.count)))
      // The lineage has the files that a pattern matched instead of the list of them.
      for input in Record(bytes: bytes)?.inputs ?? [] where input.source == .files {
        objects[input.digest] = try reading { () throws(StoreError) in try store.size(input.digest) }
      }
    }
    let subject = trace.subject
    for path in files.keys where !BundleOpener.mayWrite(path) {
      throw BundleError("\(path), from which \(trace.subject.file) was made, has a name that no opened bundle may have")
    }
    let manifest = BundleManifest(
      subject: .init(
        digest: subject.digest, instance: subject.instance, output: subject.output, record: subject.record,
        path: subject.publishedAt),
      arguments: Self.arguments(run, subject.instance), files: files.values.sorted { $0.path < $1.path },
      leftOut: Self.leftOut(declarations.project, files: Set(files.keys), lineage),
      objects: objects.map { .init(digest: $0.key, size: $0.value) }.sorted { $0.digest < $1.digest },
      records: listed, version: version)
    return Content(manifest: manifest, replaced: replaced, gone: gone)
  }

  private func run(of record: Record) throws(BundleError) -> RunRecord {
    guard let digest = record.runRecord else {
      throw BundleError(
        "\(record.instance) was made by a rung that did not keep the pipeline files",
        hints: ["`rung run --force '\(record.instance)'` makes it once more, and keeps them"])
    }
    let bytes = try reading { () throws(StoreError) in try store.readRecord(digest) }
    guard let run = RunRecord(bytes: bytes) else {
      throw BundleError("record \(digest.hex) has a format that this version does not know")
    }
    return run
  }

  // The declarations of the pipelines on the way, as they were; all of them where those do not stand alone.
  private func declarations(
    of run: RunRecord
  ) throws(BundleError) -> (files: [(path: RelativePath, bytes: [UInt8])], project: Project) {
    var all: [RelativePath: [UInt8]] = [:]
    for declaration in run.declarations {
      guard let path = RelativePath(declaration.path) else { continue }
      all[path] = try reading { () throws(StoreError) in
        try store.read(declaration.digest, limit: Self.largestSource)
      }
    }
    let overrides = Self.overrides(run)
    guard let whole = Self.load(all, overrides) else {
      throw BundleError("the pipeline files of run \(run.id) cannot be read by this version of rung")
    }
    let wanted = Set(trace.lineage.executions.map(\.record.pipeline))
    let others = Set(whole.pipelines.filter { !wanted.contains($0.name) }.map(\.file))
    let few = all.filter { !others.contains($0.key) }
    let (chosen, project) = Self.load(few, overrides).map { (few, $0) } ?? (all, whole)
    return (chosen.map { ($0.key, $0.value) }.sorted { $0.0.text < $1.0.text }, project)
  }

  private static func load(_ files: [RelativePath: [UInt8]], _ overrides: Overrides) -> Project? {
    try? Project.load(
      root: "/", files: BundledFiles(files).access, overrides: overrides)
  }

  private static func overrides(_ run: RunRecord) -> Overrides {
    func split(_ text: String) -> (String, String) {
      guard let equals = text.firstIndex(of: "=") else { return (text, "") }
      return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
    return Overrides(
      profile: run.overrides.profile, parameters: run.overrides.set.map { (name: split($0).0, value: split($0).1) },
      axes: run.overrides.over.map {
        (name: split($0).0, values: split($0).1.split(separator: ",").map(String.init))
      })
  }

  private static func arguments(_ run: RunRecord, _ instance: String) -> [String] {
    var words = [instance]
    if let profile = run.overrides.profile { words += ["--profile", profile] }
    for set in run.overrides.set { words += ["--set", set] }
    for over in run.overrides.over { words += ["--over", over] }
    return words
  }

  private func withoutCache(_ bytes: [UInt8]) throws(BundleError) -> [UInt8] {
    let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    let kept = Array(lines.filter { !$0.starts(with: "cache:".utf8) }.joined(separator: [10]))
    guard BundleOpener.saysNothingOfACache(kept) else {
      throw BundleError(
        "rung.yaml says where the cache lies, in a way that cannot be taken out of it",
        hints: ["write it as one line, `cache: FOLDER`, run again and bundle again"])
    }
    return kept
  }

  // The size of a source, and its bytes when they come from the project.
  private func source(_ source: Lineage.Source) throws(BundleError) -> (Int64, [UInt8]?) {
    if source.digest == .empty { return (0, []) }
    if store.contains(source.digest) {
      return (try reading { () throws(StoreError) in try store.size(source.digest) }, nil)
    }
    guard let path = RelativePath(source.path), let bytes = readFromProject(path, Self.largestSource),
      Digest(of: bytes) == source.digest
    else { throw lost(source.path) }
    return (Int64(bytes.count), bytes)
  }

  private func lost(_ path: String) -> BundleError {
    BundleError(
      "\(path), from which \(trace.subject.file) was made, is not in the cache, and the project has another content of it",
      hints: ["put the old content back, for example from git, and bundle again"])
  }

  // The folders that were sources, the outer ones; a folder in one of them has to agree with it.
  private func folders(of lineage: Lineage) throws(BundleError) -> [(path: String, digest: Digest)] {
    var result: [(path: String, digest: Digest)] = []
    for source in lineage.sources.filter({ $0.kind == .tree }).sorted(by: { $0.path < $1.path }) {
      guard let path = RelativePath(source.path), !path.text.isEmpty else {
        throw BundleError("\(trace.subject.file) was made from the whole project as one folder: that cannot be bundled")
      }
      if let same = result.first(where: { $0.path == source.path }), same.digest != source.digest {
        throw twice(source.path)
      }
      if try isInside(source.path, source.digest, result) { continue }
      result.append((source.path, source.digest))
    }
    return result
  }

  private func twice(_ path: String) -> BundleError {
    BundleError(
      "\(path) was read with two contents on the way to \(trace.subject.file): no one project can hold both",
      hints: ["`rung run \(trace.subject.instance)` makes it from one state of the project"])
  }

  // Whether a path lies in one of the folders; throws when that has another content there.
  private func isInside(
    _ path: String, _ digest: Digest?, _ folders: [(path: String, digest: Digest)]
  ) throws(BundleError) -> Bool {
    for folder in folders where path.hasPrefix(folder.path + "/") {
      var current: Digest? = folder.digest
      for name in path.dropFirst(folder.path.count + 1).split(separator: "/") {
        guard let tree = current else { break }
        switch try reading({ () throws(StoreError) in try store.tree(tree) })[String(name)]?.kind {
        case .file(let content, _, _)?, .directory(let content, _)?: current = content
        case .link?: return true
        case nil: current = nil
        }
      }
      guard current == digest else { throw twice(path) }
      return true
    }
    return false
  }

  // False when something of it is missing.
  private func addTree(_ tree: Digest, to objects: inout [Digest: Int64]) throws(BundleError) -> Bool {
    var stack = [tree]
    var seen: Set<Digest> = []
    while let digest = stack.popLast() {
      guard seen.insert(digest).inserted else { continue }
      guard store.contains(digest) else { return false }
      objects[digest] = try reading { () throws(StoreError) in try store.size(digest) }
      for entry in try reading({ () throws(StoreError) in try store.tree(digest) }).entries {
        switch entry.kind {
        case .directory(let inner, _): stack.append(inner)
        case .link: break
        case .file(let content, let size, _):
          guard content == .empty || store.contains(content) else { return false }
          objects[content] = size
        }
      }
    }
    return true
  }

  // Results, and what the records are not understood without. The answer is how many results are gone.
  private func addObjects(
    of lineage: Lineage, sourcesOnly: Bool, _ objects: inout [Digest: Int64]
  ) throws(BundleError) -> Int {
    var gone = 0
    var seen: Set<Digest> = []
    func add(_ digest: Digest?) throws(BundleError) {
      guard let digest, seen.insert(digest).inserted, store.contains(digest) else { return }
      objects[digest] = try reading { () throws(StoreError) in try store.size(digest) }
    }
    for execution in lineage.executions {
      let record = execution.record
      try add(record.log)
      try add(record.observed.project)
      try add(record.observed.system)
      for input in record.inputs {
        if case .collection(let members, _) = input.source { try add(members) }
      }
      guard !sourcesOnly else { continue }
      for output in record.outputs where seen.insert(output.digest).inserted {
        if output.kind == "tree" {
          if try !addTree(output.digest, to: &objects) { gone += 1 }
        } else if output.digest == .empty || store.contains(output.digest) {
          objects[output.digest] = output.size
        } else {
          gone += 1
        }
      }
    }
    return gone
  }

  // What the pipelines declare that nothing on the way reads.
  private static func leftOut(_ project: Project, files: Set<String>, _ lineage: Lineage) -> [String] {
    let trees = Set(lineage.sources.filter { $0.kind == .tree }.map(\.path))
    var result: Set<String> = []
    for step in project.pipelines.flatMap(\.steps) {
      if let lock = step.environment?.pythonLock.text, !files.contains(lock) { result.insert(lock) }
      for input in step.inputs where input.path.references.isEmpty {
        guard let path = RelativePath(input.path.source, in: input.base), !files.contains(path.text),
          !trees.contains(path.text)
        else { continue }
        if input.form == .glob {
          let glob = Glob(path.text)
          if !files.contains(where: { glob.matches($0) }) { result.insert(path.text) }
        } else {
          result.insert(path.text)
        }
      }
    }
    return result.sorted()
  }
}
