package mllibpy.engine

/** Something the user gave cannot be used. The message is one sentence that says what is wrong and
  * what to do; `kind` says which Python error it becomes: "value", "type" or "state".
  */
final class InvalidInput(message: String, val kind: String = "value")
    extends RuntimeException(message)

object InvalidInput {
  def unless(ok: Boolean, message: => String): Unit = if (!ok) throw new InvalidInput(message)
  def unlessType(ok: Boolean, message: => String): Unit =
    if (!ok) throw new InvalidInput(message, "type")
}
