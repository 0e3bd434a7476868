import RungCore

/// How a step came by texts that it did not write: `uses`, and where the steps below it stand.
struct Use {
  /// The pipeline of the step that uses.
  var pipeline: String
  /// The step that uses.
  var step: String
  /// The step that is used.
  var base: (pipeline: String, step: String)
  /// The key `uses`.
  var key: YAMLNode
  /// What `uses` says.
  var text: String
  /// Where the used step, and those that it uses in turn, are written.
  var regions: [Region]
  /// Where the step that uses is written: its own texts, even if the used step's file is the same.
  var own: Region

  /// A part of a file.
  struct Region {
    var file: String
    /// The first place, and the one after the last; nil for the whole file.
    var span: (from: (line: Int, column: Int), to: (line: Int, column: Int))?

    func contains(_ place: SourceLocation) -> Bool {
      guard place.file == file else { return false }
      guard let span else { return true }
      let here = (place.line, place.column)
      return span.from <= here && here < span.to
    }
  }

  /// Whether the text at a place was taken over, not written by the step or its file's defaults.
  func took(_ place: SourceLocation) -> Bool {
    !own.contains(place) && regions.contains { $0.contains(place) }
  }

  /// What is wrong with a text that was taken over, told about the step that took it.
  func told(_ message: String) -> String {
    base.pipeline == pipeline
      ? "step '\(step)' uses \(text): \(message)"
      : "step '\(step)' uses \(text), but in pipeline '\(pipeline)' \(message)"
  }
}
