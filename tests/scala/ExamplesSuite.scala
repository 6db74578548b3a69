import mllibpy.engine.LocalSession
import org.scalatest.funsuite.AnyFunSuite

import java.io.{ByteArrayOutputStream, PrintStream}

/** The examples run, and what they say of their models is plausible. */
final class ExamplesSuite extends AnyFunSuite with LocalSession {
  private val said = """RMSE (\d\.\d+), user 1 and item 2: (-?\d\.\d+)""".r

  test("from Scala") {
    check(printed(AlsExample.main(Array.empty)))
  }

  test("from Java") {
    check(printed(JavaAls.main(Array.empty)))
  }

  /** The examples rate 5 and 1 by turns; (1, 2) is left out and would be 1. */
  private def check(line: String): Unit = line.trim match {
    case said(rmse, predicted) =>
      assert(rmse.toDouble < 0.5)
      assert(Math.abs(predicted.toDouble - 1) < 1)
    case other => fail(s"it said: $other")
  }

  private def printed(program: => Unit): String = {
    val bytes = new ByteArrayOutputStream
    val (out, to) = (System.out, new PrintStream(bytes, true))
    System.setOut(to)
    try Console.withOut(to)(program)
    finally System.setOut(out)
    bytes.toString
  }
}
