package mllibpy.api

import org.scalatest.funsuite.AnyFunSuite

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, IOException, OutputStream}
import java.nio.charset.StandardCharsets.US_ASCII
import java.nio.{ByteBuffer, ByteOrder}

class NpySuite extends AnyFunSuite {
  private def bytes(write: OutputStream => Unit): Array[Byte] = {
    val out = new ByteArrayOutputStream
    write(out)
    out.toByteArray
  }
  private def in(b: Array[Byte]) = new ByteArrayInputStream(b)
  private def headerLength(b: Array[Byte]) = 10 + (b(8) & 0xff) + ((b(9) & 0xff) << 8)

  // None, one, and around the length that is written at once.
  private val lengths = Seq(0, 1, 5, 65535, 65536, 65537, 200000)

  test("what is written is read again") {
    for (n <- lengths) {
      val longs = Array.tabulate(n)(i => Long.MinValue + i * 12345678901L)
      assert(Npy.readLongs(in(bytes(Npy.writeLongs(_, longs)))).sameElements(longs))
      val ints = Array.tabulate(n)(i => Int.MinValue + i)
      assert(Npy.readInts(in(bytes(Npy.writeInts(_, ints)))).sameElements(ints))
      val small = Array.tabulate(n)(_.toByte)
      assert(Npy.readBytes(in(bytes(Npy.writeBytes(_, small)))).sameElements(small))
      val floats = Array.tabulate(n * 2)(i => i / 3f)
      assert(Npy.readFloats(in(bytes(Npy.writeMatrix(_, floats, n, 2)))).sameElements(floats))
    }
  }

  test("data start at a multiple of 64 bytes, behind a header that ends in a new line") {
    for (n <- lengths) {
      val all = Seq(
        (bytes(Npy.writeLongs(_, new Array[Long](n))), 8L * n, s"($n,)", "<i8"),
        (bytes(Npy.writeInts(_, new Array[Int](n))), 4L * n, s"($n,)", "<i4"),
        (bytes(Npy.writeBytes(_, new Array[Byte](n))), 1L * n, s"($n,)", "|u1"),
        (bytes(Npy.writeMatrix(_, new Array[Float](n * 3), n, 3)), 12L * n, s"($n, 3)", "<f4")
      )
      for ((b, size, shape, dtype) <- all) {
        val length = headerLength(b)
        assert(length % 64 == 0 && b(length - 1) == '\n' && b.length == length + size)
        val text = new String(b, 10, length - 10, US_ASCII).trim
        assert(text == s"{'descr': '$dtype', 'fortran_order': False, 'shape': $shape, }")
      }
    }
  }

  test("the bytes of numpy.save(numpy.array([1, -2]))") {
    val header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"
    val right = ByteBuffer.allocate(144).order(ByteOrder.LITTLE_ENDIAN)
    right.put(0x93.toByte).put("NUMPY".getBytes(US_ASCII)).put(1.toByte).put(0.toByte)
    right.putShort(118).put((header.padTo(117, ' ') + "\n").getBytes(US_ASCII))
    right.putLong(1).putLong(-2)
    assert(bytes(Npy.writeLongs(_, Array(1L, -2L))).toSeq == right.array.toSeq)
  }

  test("another type, another order or no array at all is refused") {
    val longs = bytes(Npy.writeLongs(_, Array(1L)))
    intercept[IllegalArgumentException](Npy.readInts(in(longs)))
    intercept[IllegalArgumentException](Npy.readFloats(in(longs)))
    val fortran = new String(longs, US_ASCII).replace("False", "True ").getBytes(US_ASCII)
    intercept[IllegalArgumentException](Npy.readLongs(in(fortran)))
    intercept[IllegalArgumentException](
      Npy.readLongs(in("not an array, surely".getBytes(US_ASCII)))
    )
    intercept[IOException](Npy.readLongs(in(longs.take(20))))
    intercept[IOException](Npy.readLongs(in(Array())))
  }
}
