import RungCore
import RungExec
import RungStore

/// Sorts what a step finds in its workspace into what is its own and what the run keeps unpacked for all steps.
///
/// Sources of the project are shared by all steps that read the same list. A large file or folder, be it a source or the
/// result of a step that several read, is shared by itself: steps whose lists differ in something small have it only once.
struct Staging {
  /// What the step gets for itself.
  private(set) var files: [StagedFile] = []
  private let folder: String
  private var sources: [StagedFile] = []
  private var sourcesSize: Int64 = 0
  private var large: [StagedLayer] = []

  /// The kernel takes a few dozens of layers for one view.
  private static let mostLarge = 16

  /// So many bytes are copied for each step rather than kept for those that may want the same, in bytes.
  private static let mostOwn: Int64 = 256 << 10

  /// Nothing yet. The run's layers lie in `folder`.
  init(folder: String) { self.folder = folder }

  /// A source of the project.
  mutating func add(_ source: StepWork.ProjectFile) {
    let content: StagedFile.Content =
      switch source.content {
      case .file(let digest, _, let executable): .object(digest, executable: executable)
      case .tree(let digest, _): .tree(digest)
      }
    let staged = StagedFile(path: source.path, content: content)
    if share(staged, source.content.size) { return }
    sources.append(staged)
    sourcesSize += source.content.size
  }

  /// What is no source, with its size in bytes; `isShared` when other steps of the run read it, too.
  mutating func add(_ file: StagedFile, size: Int64 = 0, isShared: Bool = false) {
    if isShared, share(file, size) { return }
    files.append(file)
  }

  /// The layers that the step needs. `key` names the list of all its sources; `isShared` when other instances have the
  /// same. What is neither shared nor large goes into a layer of the workspace `workspace`.
  func layers(named key: Digest, isShared: Bool, workspace: String) -> [StagedLayer] {
    let isOwn = !isShared && sourcesSize <= Self.mostOwn
    let place = isOwn ? Workspace.ownLayer(of: workspace) : "\(folder)/\(key.hex.prefix(32))"
    let small = StagedLayer(folder: place, files: sources, size: sourcesSize, isOwn: isOwn)
    return (sources.isEmpty ? [] : [small]) + large
  }

  private mutating func share(_ file: StagedFile, _ size: Int64) -> Bool {
    guard size >= StepTask.large, large.count < Self.mostLarge else { return false }
    var hash = FramedHash(domain: "rung/layer/1")
    hash.field("path", file.path.text)
    switch file.content {
    case .object(let digest, let executable):
      hash.field("kind", executable ? "executable" : "file")
      hash.field("digest", digest)
    case .tree(let digest):
      hash.field("kind", "tree")
      hash.field("digest", digest)
    case .bytes: return false
    }
    large.append(StagedLayer(folder: "\(folder)/\(hash.digest().hex.prefix(32))", files: [file], size: size))
    return true
  }
}
