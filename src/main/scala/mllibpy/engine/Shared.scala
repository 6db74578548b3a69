package mllibpy.engine

import org.apache.spark.SparkContext
import org.apache.spark.broadcast.Broadcast

import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** A value that all tasks read: a broadcast on a cluster; in local mode, where tasks run in the
  * driver's own JVM, the value itself, which nothing serialises or copies.
  */
abstract class Shared[T] extends Serializable {
  def value: T

  /** Frees the value everywhere; it cannot be read after. */
  def destroy(): Unit
}

object Shared {
  def apply[T <: AnyRef: scala.reflect.ClassTag](sc: SparkContext, value: T): Shared[T] =
    if (sc.isLocal) {
      val id = next.getAndIncrement()
      here.put(id, value)
      new Here[T](id)
    } else new Everywhere[T](sc.broadcast(value))

  /** How many values this JVM holds: after a fit, as many as before. */
  def held: Int = here.size

  private val next = new AtomicLong
  private val here = new ConcurrentHashMap[Long, AnyRef]

  private final class Here[T <: AnyRef](id: Long) extends Shared[T] {
    def value: T = {
      val found = Shared.here.get(id)
      if (found == null)
        throw new IllegalStateException("a shared value was read after it was destroyed")
      found.asInstanceOf[T]
    }
    def destroy(): Unit = { Shared.here.remove(id); () }
  }

  private final class Everywhere[T](broadcast: Broadcast[T]) extends Shared[T] {
    def value: T = broadcast.value
    def destroy(): Unit = broadcast.destroy()
  }
}
