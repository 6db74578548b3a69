package mllibpy.engine

import java.io.{ObjectInput, ObjectOutput}
import java.nio.{ByteBuffer, ByteOrder}

/** Primitive arrays through Java serialisation as runs of bytes: Java's own way writes an array of
  * floats number by number, several times slower.
  */
private[engine] object Bulk {
  // Numbers to a run: one Java array cannot hold the bytes of the longest arrays.
  private final val Run = 1 << 22
  private final val Step = 1 << 13

  private def buffer(bytes: Array[Byte]): ByteBuffer =
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder())

  private def write(out: ObjectOutput, length: Int, width: Int)(
      put: (ByteBuffer, Int, Int) => Any
  ): Unit = {
    out.writeInt(length)
    runs(length) { (from, n) =>
      val bytes = new Array[Byte](n * width)
      put(buffer(bytes), from, n)
      out.writeObject(bytes)
    }
  }

  private def read[A](in: ObjectInput, make: Int => A)(get: (ByteBuffer, A, Int, Int) => Any): A = {
    val length = in.readInt()
    val a = make(length)
    runs(length)((from, n) => get(buffer(in.readObject().asInstanceOf[Array[Byte]]), a, from, n))
    a
  }

  private def runs(length: Int)(f: (Int, Int) => Any): Unit = inRuns(length, Run)(f)
  private def steps(length: Int)(f: (Int, Int) => Any): Unit = inRuns(length, Step)(f)

  private def inRuns(length: Int, run: Int)(f: (Int, Int) => Any): Unit = {
    var from = 0
    while (from < length) {
      val n = Math.min(run, length - from)
      f(from, n)
      from += n
    }
  }

  def writeLongs(out: ObjectOutput, a: Array[Long]): Unit =
    write(out, a.length, 8)((b, from, n) => b.asLongBuffer().put(a, from, n))

  def readLongs(in: ObjectInput): Array[Long] =
    read(in, new Array[Long](_))((b, a, from, n) => b.asLongBuffer().get(a, from, n))

  def writeInts(out: ObjectOutput, a: Array[Int]): Unit =
    write(out, a.length, 4)((b, from, n) => b.asIntBuffer().put(a, from, n))

  def readInts(in: ObjectInput): Array[Int] =
    read(in, new Array[Int](_))((b, a, from, n) => b.asIntBuffer().get(a, from, n))

  def writeFloats(out: ObjectOutput, a: Array[Float]): Unit =
    write(out, a.length, 4)((b, from, n) => b.asFloatBuffer().put(a, from, n))

  /** As plain bytes, which the stream forgets at once; it remembers objects for a while. */
  def streamFloats(out: ObjectOutput, a: Array[Float]): Unit = {
    out.writeInt(a.length)
    val bytes = new Array[Byte](4 * Math.min(Step, a.length))
    steps(a.length) { (from, n) =>
      buffer(bytes).asFloatBuffer().put(a, from, n)
      out.write(bytes, 0, 4 * n)
    }
  }

  def unstreamFloats(in: ObjectInput): Array[Float] = {
    val a = new Array[Float](in.readInt())
    val bytes = new Array[Byte](4 * Math.min(Step, a.length))
    steps(a.length) { (from, n) =>
      in.readFully(bytes, 0, 4 * n)
      buffer(bytes).asFloatBuffer().get(a, from, n)
    }
    a
  }

  def readFloats(in: ObjectInput): Array[Float] =
    read(in, new Array[Float](_))((b, a, from, n) => b.asFloatBuffer().get(a, from, n))
}
