package mllibpy.engine

import java.io.{ObjectInput, ObjectOutput}
import java.nio.{ByteBuffer, ByteOrder}

/** Primitive arrays through Java serialisation as one run of bytes: Java's own way writes an array
  * of floats number by number, several times slower.
  */
private[engine] object Bulk {
  private def buffer(bytes: Array[Byte]): ByteBuffer =
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder())

  def writeLongs(out: ObjectOutput, a: Array[Long]): Unit = {
    val bytes = new Array[Byte](Math.multiplyExact(a.length, 8))
    buffer(bytes).asLongBuffer().put(a)
    out.writeObject(bytes)
  }

  def readLongs(in: ObjectInput): Array[Long] = {
    val bytes = in.readObject().asInstanceOf[Array[Byte]]
    val a = new Array[Long](bytes.length / 8)
    buffer(bytes).asLongBuffer().get(a)
    a
  }

  def writeInts(out: ObjectOutput, a: Array[Int]): Unit = {
    val bytes = new Array[Byte](Math.multiplyExact(a.length, 4))
    buffer(bytes).asIntBuffer().put(a)
    out.writeObject(bytes)
  }

  def readInts(in: ObjectInput): Array[Int] = {
    val bytes = in.readObject().asInstanceOf[Array[Byte]]
    val a = new Array[Int](bytes.length / 4)
    buffer(bytes).asIntBuffer().get(a)
    a
  }

  def writeFloats(out: ObjectOutput, a: Array[Float]): Unit = {
    val bytes = new Array[Byte](Math.multiplyExact(a.length, 4))
    buffer(bytes).asFloatBuffer().put(a)
    out.writeObject(bytes)
  }

  def readFloats(in: ObjectInput): Array[Float] = {
    val bytes = in.readObject().asInstanceOf[Array[Byte]]
    val a = new Array[Float](bytes.length / 4)
    buffer(bytes).asFloatBuffer().get(a)
    a
  }
}
