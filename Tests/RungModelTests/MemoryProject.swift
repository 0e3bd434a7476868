import RungCore
import RungModel

/// A project that exists only in memory: paths to texts. Folders are where files are; `links` lead out of the project.
struct MemoryProject {
  var contents: [String: [UInt8]] = [:]
  var links: Set<String> = []

  /// Files that the tests' steps may read.
  static let ordinary = [
    "pipelines/x/run.py", "pipelines/x/fit.py", "pipelines/x/data.csv", "pipelines/x/requirements.lock",
    "pipelines/x/tables/a.csv", "pipelines/x/tables/b.csv", "shared/common.py",
  ]

  init(_ files: [String: String] = [:]) {
    for path in Self.ordinary { contents[path] = [] }
    for (path, text) in files { contents[path] = Array(text.utf8) }
  }

  /// One pipeline file.
  init(pipeline text: String) { self.init(["pipelines/x/pipeline.yaml": text]) }

  /// The door that the loader uses.
  var files: ProjectFiles {
    let contents = contents
    let links = links
    return ProjectFiles(
      read: { path, limit in contents[path.text].map { Array($0.prefix(limit + 1)) } },
      kind: { path in
        if contents[path.text] != nil || links.contains(path.text) { return .file }
        return contents.keys.contains { $0.hasPrefix(path.text + "/") } ? .directory : nil
      },
      list: { path in
        let prefix = path.text.isEmpty ? "" : path.text + "/"
        let names = contents.keys.filter { $0.hasPrefix(prefix) }.compactMap {
          $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
        }
        return Set(names).sorted()
      },
      staysInside: { path in !links.contains { path.text == $0 || path.text.hasPrefix($0 + "/") } })
  }

  /// Loads it.
  func load(_ overrides: Overrides = Overrides()) throws(Diagnostics) -> Project {
    try Project.load(root: "/project", files: files, overrides: overrides)
  }

  /// The mistakes, each rendered; empty when there are none.
  func mistakes(_ overrides: Overrides = Overrides()) -> [Diagnostic] {
    do throws(Diagnostics) {
      _ = try load(overrides)
      return []
    } catch { return error.items }
  }
}
