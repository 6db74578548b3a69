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
  def apply[T <: AnyRef: scala.reflect.ClassTag](sc: SparkContext, value: T): Shared[T] = {
    val id = next.getAndIncrement()
    if (sc.isLocal) {
      here.put(id, value)
      new Here[T](id)
    } else {
      val broadcast = sc.broadcast(value)
      here.put(id, Elsewhere)
      new Everywhere[T](id, broadcast)
    }
  }

  /** How many values this driver has shared and not destroyed: after a fit, as many as before. */
  def held: Int = here.size

  private val next = new AtomicLong
  private val here = new ConcurrentHashMap[Long, AnyRef]

  // Stands for a broadcast in `here`, which must not keep Spark from cleaning up a forgotten one.
  private object Elsewhere

  private final class Here[T <: AnyRef](id: Long) extends Shared[T] {
    def value: T = {
      val found = Shared.here.get(id)
      if (found == null)
        throw new IllegalStateException("a shared value was read after it was destroyed")
      found.asInstanceOf[T]
    }
    def destroy(): Unit = { Shared.here.remove(id); () }
  }

  private final class Everywhere[T](id: Long, broadcast: Broadcast[T]) extends Shared[T] {
    def value: T = broadcast.value
    def destroy(): Unit = {
      broadcast.destroy()
      Shared.here.remove(id)
      ()
    }
  }
}
