import Glibc
import RungCore
import RungEngine
import Testing

@testable import RungCLI

/// Frames in a real terminal: tmux takes what would be written, and its screen is compared with what is meant to stand there.
@Suite struct TerminalTests {
  private let folder: String
  private let socket: String

  init() throws {
    var template = Array("/tmp/rung-terminal-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Golden.Broken(message: "cannot make a folder") }
    folder = String(cString: made)
    socket = "\(folder)/tmux"
  }

  // Runs tmux without the user's settings; what it prints.
  private func tmux(_ words: String) throws -> String {
    guard let pipe = popen("LC_ALL=C.UTF-8 tmux -u -S \(socket) -f /dev/null \(words) 2>&1", "re") else {
      throw Golden.Broken(message: "cannot start tmux")
    }
    var bytes: [UInt8] = []
    while case let byte = fgetc(pipe), byte != EOF { bytes.append(UInt8(byte)) }
    let code = pclose(pipe)
    let text = String(decoding: bytes, as: UTF8.self)
    guard code == 0 else { throw Golden.Broken(message: "tmux \(words): \(text)") }
    return text
  }

  private func write(_ text: String, to name: String) throws {
    guard let file = fopen("\(folder)/\(name)", "we") else { throw Golden.Broken(message: "cannot write \(name)") }
    defer { fclose(file) }
    fputs(text, file)
  }

  /// The screen after each part is written; before a part the window takes its size.
  private func screens(_ parts: [(columns: Int, rows: Int, text: String)]) throws -> [String] {
    var script = "stty -onlcr -echo 2>/dev/null; stty onlcr\n"
    for (index, part) in parts.enumerated() {
      try write(part.text, to: "part\(index)")
      script +=
        "tmux -S \(socket) wait-for go\(index)\ncat \(folder)/part\(index)\ntmux -S \(socket) wait-for -S done\(index)\n"
    }
    try write(script + "tmux -S \(socket) wait-for end\n", to: "script")
    guard let first = parts.first else { return [] }
    _ = try tmux(
      "new-session -d -x \(first.columns) -y \(first.rows) 'sh \(folder)/script' \\; set -g status off \\; set -g window-size manual"
    )
    defer {
      _ = try? tmux("kill-server")
      system("rm -rf \(folder)")
    }
    var screens: [String] = []
    for (index, part) in parts.enumerated() {
      _ = try tmux("resize-window -x \(part.columns) -y \(part.rows)")
      _ = try tmux("wait-for -S go\(index)")
      _ = try tmux("wait-for done\(index)")
      screens.append(try tmux("capture-pane -p"))
    }
    return screens
  }

  private func trimmed(_ screen: String) -> String {
    var lines = screen.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test(arguments: [(80, 24), (200, 60)]) func framesReplaceEachOther(columns: Int, rows: Int) throws {
    var frame = Frame()
    let style = Style(isOn: true)
    var picture = LiveScreenTests.picture()
    let first = frame.replace(
      with: LiveScreenTests.screen(columns, rows, picture).lines, above: [], columns: columns, style: style)
    picture.note(
      .stepSucceeded(
        instance: "sweep/fit[width=100,seed=130]", step: "sweep/fit",
        duration: TimeSpan(nanoseconds: 15 * LiveScreenTests.second), record: .empty),
      at: 95 * LiveScreenTests.second)
    let second = frame.replace(
      with: LiveScreenTests.screen(columns, rows, picture).lines,
      above: ["warning: something that stays, above what is drawn"], columns: columns, style: style)
    let last = frame.erase(columns: columns) + "done: 610 ran\n"
    let shown = try screens([(columns, rows, first), (columns, rows, second), (columns, rows, last)])
    try Golden.expect(
      shown.map(trimmed).joined(separator: String(repeating: "=", count: columns) + "\n"),
      is: "terminal-\(columns)x\(rows)")
  }

  /// A window that becomes narrower breaks the lines that stand in it; none of them is seen when they are drawn anew. (tmux
  /// moves what then is above the window into its history, where nothing can be taken back.)
  @Test func aWindowMayChangeItsSize() throws {
    var frame = Frame()
    let style = Style(isOn: false)
    let wide = frame.replace(
      with: LiveScreenTests.screen(100, 30).lines, above: [], columns: 100, style: style)
    let narrow = frame.replace(with: LiveScreenTests.screen(60, 30).lines, above: [], columns: 60, style: style)
    let shown = try screens([(100, 30, wide), (60, 30, narrow)])
    let lines = LiveScreenTests.screen(60, 30).lines.map { $0.text(style, columns: 60) }
    #expect(trimmed(shown[1]) == lines.joined(separator: "\n") + "\n")
  }
}
