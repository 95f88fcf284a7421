package monitor_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/monitor"
)

// seeded is a source of randomness whose seed is printed when the test fails.
// TAPEDECK_TEST_SEED=n repeats a run.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TAPEDECK_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TAPEDECK_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("TAPEDECK_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// toldEvent is an event as the model knows it: its place in all that was published is its
// data.
type toldEvent struct{ topic, key string }

// modelClient is a client of a hub, and what it should have by now.
type modelClient struct {
	*monitor.Listener
	topics []string
	from   int      // of all that was published: what came before it has, or does not want
	ids    []string // of the events it got
	at     []int    // and which they were
}

// model is a hub, and all that was published on it.
type model struct {
	*testing.T
	*rand.Rand
	hub     *monitor.Hub
	all     []toldEvent
	clients []*modelClient
	resets  int
	merged  int
	resumed int
}

var modelTopics = []string{"status", "candle QLD 1m", "candle SPY 1s"}

// TestHubModel has clients come, read, fall behind, be cut off and come back at random, while
// events are published at random.
func TestHubModel(t *testing.T) {
	m := &model{T: t, Rand: seeded(t), hub: monitor.NewHub()}
	keeper := m.hub.Join("", modelTopics...) // so that all topics are there from the start
	defer keeper.Leave()
	for range 20_000 {
		switch n := m.IntN(100); {
		case n < 60:
			m.publish(1 + m.IntN(4))
		case n < 61:
			m.publish(m.IntN(2 * monitor.MostWaiting))
		case n < 65 && len(m.clients) < 8:
			m.come()
		case n < 67 && len(m.clients) > 0:
			m.comeBack(m.IntN(len(m.clients)))
		case len(m.clients) > 0:
			m.read(m.clients[m.IntN(len(m.clients))])
		}
		keeper.Take()
	}
	for _, c := range m.clients {
		m.read(c)
	}
	if m.resets == 0 || m.merged == 0 || m.resumed == 0 {
		t.Errorf("%d resets, %d merged, %d resumed: this shows too little", m.resets, m.merged, m.resumed)
	}
	t.Logf("%d events, %d resets, %d merged, %d resumed", len(m.all), m.resets, m.merged, m.resumed)
}

// publish publishes some events on a topic, some with a key.
func (m *model) publish(n int) {
	topic := modelTopics[m.IntN(len(modelTopics))]
	var events []monitor.Event
	for range n {
		e := toldEvent{topic: topic}
		if m.IntN(3) == 0 {
			e.key = fmt.Sprint(topic, m.IntN(5))
		}
		events = append(events, monitor.Event{Name: topic, Key: e.key, Data: fmt.Append(nil, len(m.all))})
		m.all = append(m.all, e)
	}
	m.hub.Publish(topic, events...)
	for _, c := range m.clients {
		if n, room := c.Waiting(); n > monitor.MostWaiting || room > 2*monitor.MostWaiting {
			m.Fatalf("%d events wait in the room of %d", n, room)
		}
	}
}

// come has a new client listen to some of the topics.
func (m *model) come() {
	names := slices.Clone(modelTopics)
	m.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+m.IntN(len(names))]
	m.clients = append(m.clients, &modelClient{Listener: m.hub.Join("", names...), topics: names, from: len(m.all)})
}

// comeBack cuts a client off, in the middle of what it was reading, and has it come back with
// the last id it got by then.
func (m *model) comeBack(n int) {
	c := m.clients[n]
	if m.IntN(2) == 0 {
		m.read(c)
	}
	c.Leave()
	if len(c.ids) == 0 {
		m.clients = slices.Delete(m.clients, n, n+1)
		return
	}
	last := len(c.ids) - 1 - m.IntN(min(len(c.ids), 1500))
	if m.IntN(3) > 0 {
		m.publish(m.IntN(20))
	}
	c.ids, c.at, c.from = c.ids[:last+1], c.at[:last+1], c.at[last]+1
	c.Listener = m.hub.Join(c.ids[last], c.topics...)
	m.resumed++
	m.read(c)
}

// read has a client take what waits for it, and compares.
func (m *model) read(c *modelClient) {
	events, missed := c.Take()
	has := make(map[int]bool)
	for _, e := range events {
		at, err := strconv.Atoi(string(e.Data))
		if err != nil {
			m.Fatal(err)
		}
		if of := m.all[at]; of.topic != e.Name || of.key != e.Key || !slices.Contains(c.topics, of.topic) {
			m.Fatalf("event %d of %q comes as of %q to a client of %q", at, of, e.Name, c.topics)
		}
		if at < c.from || len(c.at) > 0 && at <= c.at[len(c.at)-1] {
			m.Fatalf("event %d comes again, or late", at)
		}
		c.at, c.ids, has[at] = append(c.at, at), append(c.ids, e.ID), true
	}
	m.whole(c, has, missed)
	c.from = len(m.all)
}

// whole fails when a client misses an event for no reason: all come that nothing later has
// superseded; where it was told that something is missing, all from the first of a topic on.
func (m *model) whole(c *modelClient, has map[int]bool, missed bool) {
	superseded, published, begun := make(map[string]bool), make(map[string]int), make(map[string]int)
	for at := range has {
		topic := m.all[at].topic
		if first, ok := begun[topic]; !ok || at < first {
			begun[topic] = at
		}
	}
	for at := len(m.all) - 1; at >= c.from; at-- {
		e := m.all[at]
		if !slices.Contains(c.topics, e.topic) {
			continue
		}
		first, some := begun[e.topic]
		switch {
		case has[at]:
		case e.key != "" && superseded[e.key]:
			m.merged++
		case missed && (!some || at < first):
		default:
			m.Fatalf("event %d of %q is missing of %d from %d on; missed: %t", at, e, len(m.all), c.from, missed)
		}
		published[e.topic]++
		if e.key != "" {
			superseded[e.key] = true
		}
	}
	if missed {
		m.resets++
		m.justified(published)
	}
}

// justified fails when a reset came though all would have fitted.
func (m *model) justified(published map[string]int) {
	sum, most := 0, 0
	for _, n := range published {
		sum, most = sum+n, max(most, n)
	}
	if sum <= monitor.MostWaiting && most <= monitor.MostKept-monitor.DropAtOnce {
		m.Fatalf("a reset after %v events", published)
	}
}

// TestHubSupersedes has the state of one thing change often: who reads late gets the last one,
// among what happened besides.
func TestHubSupersedes(t *testing.T) {
	hub := monitor.NewHub()
	l := hub.Join("", "a")
	defer l.Leave()
	for n := range 10 * monitor.MostWaiting {
		hub.Publish("a", monitor.Event{Name: "x", Key: "k", Data: fmt.Append(nil, n)})
		if n%1024 == 0 {
			hub.Publish("a", monitor.Event{Name: "y", Data: fmt.Append(nil, n)})
		}
	}
	events, missed := l.Take()
	if len(events) != 11 || missed || hub.Dropped() != 0 || string(events[10].Data) != "10239" || events[10].Name != "x" {
		t.Errorf("%d events, %t, %d dropped", len(events), missed, hub.Dropped())
	}
	again := hub.Join(events[9].ID, "a")
	defer again.Leave()
	if rest, missed := again.Take(); len(rest) != 1 || missed || rest[0].ID != events[10].ID {
		t.Errorf("%d more, %t", len(rest), missed)
	}
}

// TestHubKeysOfTopics has two topics use the same key, as the candles of two symbols do: an
// event of one says nothing of the other.
func TestHubKeysOfTopics(t *testing.T) {
	hub := monitor.NewHub()
	l := hub.Join("", "candle QLD 1m", "candle SPY 1m")
	defer l.Leave()
	for _, topic := range []string{"candle QLD 1m", "candle SPY 1m"} {
		hub.Publish(topic, monitor.Event{Name: topic, Key: "1763651220000"})
	}
	if events, missed := l.Take(); len(events) != 2 || missed {
		t.Errorf("%v, %t", events, missed)
	}
}

// TestHubNeverReads has one listener read nothing: it costs no more from a point on, and the
// others get everything.
func TestHubNeverReads(t *testing.T) {
	hub := monitor.NewHub()
	lazy, other := hub.Join("", "a"), hub.Join("", "a")
	defer lazy.Leave()
	defer other.Leave()
	for n := range 50 * monitor.MostWaiting {
		publish(hub, "a", n)
		if length, room := lazy.Waiting(); length > monitor.MostWaiting || room > 2*monitor.MostWaiting {
			t.Fatalf("%d wait in the room of %d", length, room)
		}
		if events, missed := other.Take(); len(events) != 1 || missed || string(events[0].Data) != fmt.Sprint(n) {
			t.Fatalf("the other got %d events, %t", len(events), missed)
		}
	}
	events, missed := lazy.Take()
	if !missed || int64(len(events))+hub.Dropped() != 50*monitor.MostWaiting || string(events[len(events)-1].Data) != fmt.Sprint(50*monitor.MostWaiting-1) {
		t.Errorf("%d events, %t, %d dropped", len(events), missed, hub.Dropped())
	}
	if events, missed := lazy.Take(); len(events) != 0 || missed {
		t.Errorf("then %d events, %t", len(events), missed)
	}
}

// TestHubJoinsFull has a client come back to several topics that have much for it: its queue is
// no longer than another one, from the start and later.
func TestHubJoinsFull(t *testing.T) {
	hub := monitor.NewHub()
	first := hub.Join("", "a", "b")
	publish(hub, "a", 0)
	events, _ := first.Take()
	for n := range monitor.MostKept - 10 {
		publish(hub, "a", n)
		publish(hub, "b", n)
	}
	first.Leave()
	again := hub.Join(events[0].ID, "a", "b")
	defer again.Leave()
	for range 5 {
		if n, _ := again.Waiting(); n > monitor.MostWaiting {
			t.Errorf("%d events wait", n)
		}
		publish(hub, "a", make([]int, 1000)...)
	}
}

// TestHubResumes comes back with the id of any event: what came after is there, or a reset.
func TestHubResumes(t *testing.T) {
	const published = 3 * monitor.MostKept
	hub := monitor.NewHub()
	l := hub.Join("", "a", "b")
	defer l.Leave()
	var ids []string
	for n := range published {
		publish(hub, "a", n)
		events, _ := l.Take()
		ids = append(ids, events[0].ID)
	}
	told := 0
	for n, id := range ids {
		again := hub.Join(id, "a")
		events, missed := again.Take()
		again.Leave()
		want := published - 1 - n
		if !missed && len(events) != want || missed && len(events) >= want {
			t.Fatalf("from %d: %d events, missed %t", n, len(events), missed)
		}
		if missed {
			told++
		}
		if length := len(events); length > 0 && string(events[length-1].Data) != fmt.Sprint(published-1) {
			t.Fatalf("from %d: the last is %s", n, events[length-1].Data)
		}
	}
	if least := published - monitor.MostKept; told < least-1 || told > least+monitor.DropAtOnce {
		t.Errorf("%d resets", told)
	}
}

// TestHubForgets lets go of a topic a while after the last one left, and not earlier, nor when
// somebody comes back.
func TestHubForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := monitor.NewHub()
		has := func(when string, want ...string) {
			t.Helper()
			if got := hub.Topics(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, not %q", when, got, want)
			}
		}
		has("at first")
		one, two := hub.Join("", "b", "a"), hub.Join("", "a")
		has("with two", "a", "b")
		time.Sleep(10 * monitor.KeptAlive)
		has("long after", "a", "b")
		one.Leave()
		time.Sleep(monitor.KeptAlive)
		has("just before", "a", "b")
		time.Sleep(time.Nanosecond)
		has("just after", "a")
		two.Leave()
		time.Sleep(monitor.KeptAlive - 1)
		back := hub.Join("", "a")
		time.Sleep(monitor.KeptAlive)
		has("with one who came back", "a")
		back.Leave()
		time.Sleep(monitor.KeptAlive + 1)
		has("at the end")
		if n := hub.AllTopics(); n != 0 || hub.Clients() != 0 {
			t.Errorf("%d topics, %d clients", n, hub.Clients())
		}
	})
}

// TestHubComesBackLate has the only client come back after its topic was forgotten: nobody
// knows what happened meanwhile, and it is told so.
func TestHubComesBackLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := monitor.NewHub()
		l := hub.Join("", "a")
		publish(hub, "a", 1)
		events, _ := l.Take()
		l.Leave()
		time.Sleep(monitor.KeptAlive + 1)
		if topics := hub.Topics(); len(topics) > 0 {
			t.Fatalf("%q", topics)
		}
		publish(hub, "a", 2) // nobody hears of it
		again := hub.Join(events[0].ID, "a")
		defer again.Leave()
		if events, missed := again.Take(); !missed || len(events) > 0 {
			t.Errorf("%d events, missed %t", len(events), missed)
		}
	})
}

// TestHubKeeps has the only client come back in time: it gets what was published meanwhile.
func TestHubKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := monitor.NewHub()
		l := hub.Join("", "a")
		publish(hub, "a", 1)
		events, _ := l.Take()
		l.Leave()
		time.Sleep(monitor.KeptAlive)
		hub.Topics()
		publish(hub, "a", 2)
		again := hub.Join(events[0].ID, "a")
		defer again.Leave()
		if events, missed := again.Take(); missed || len(events) != 1 || string(events[0].Data) != "2" {
			t.Errorf("%v events, missed %t", events, missed)
		}
	})
}

// TestHubBounds has no more clients and topics than may be.
func TestHubBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := monitor.NewHub()
		var all []*monitor.Listener
		for range monitor.MostClients {
			all = append(all, hub.Join("", "a"))
		}
		if hub.Join("", "a") != nil || hub.Clients() != monitor.MostClients {
			t.Errorf("one more of %d joins", hub.Clients())
		}
		for _, l := range all {
			l.Leave()
		}
		for n := range monitor.MostTopics - 1 { // with "a", which is still there
			l := hub.Join("", fmt.Sprint(n))
			if l == nil {
				t.Fatalf("topic %d is refused", n)
			}
			l.Leave()
		}
		if hub.Join("", "more") != nil || hub.AllTopics() != monitor.MostTopics || hub.Clients() != 0 {
			t.Errorf("one more of %d topics", hub.AllTopics())
		}
		time.Sleep(monitor.KeptAlive + 1)
		hub.Topics()
		if l := hub.Join("", "more"); l == nil || hub.AllTopics() != 1 {
			t.Errorf("after a while: %v, %d topics", l, hub.AllTopics())
		}
	})
}

// TestHubBoundOfPairs has clients ask for two topics each: no more are there in the end.
func TestHubBoundOfPairs(t *testing.T) {
	hub := monitor.NewHub()
	hub.Join("", "a").Leave()
	for n := range monitor.MostTopics {
		if l := hub.Join("", fmt.Sprint(n), fmt.Sprint(n, "too")); l != nil {
			l.Leave()
		}
	}
	if n := hub.AllTopics(); n > monitor.MostTopics {
		t.Errorf("%d topics", n)
	}
}

// TestHubFullOfTopics has a client come back to a topic that is there, when no new one fits.
func TestHubFullOfTopics(t *testing.T) {
	hub := monitor.NewHub()
	for n := range monitor.MostTopics {
		hub.Join("", fmt.Sprint(n)).Leave()
	}
	if hub.Join("", "1") == nil {
		t.Error("a topic that is there is refused")
	}
}

// TestHubCame says when somebody has come.
func TestHubCame(t *testing.T) {
	hub := monitor.NewHub()
	came := func() bool {
		select {
		case <-hub.Came():
			return true
		default:
			return false
		}
	}
	if came() {
		t.Error("nobody has come")
	}
	hub.Join("", "a")
	hub.Join("", "b")
	if !came() || came() {
		t.Error("two have come, which is told once")
	}
	publish(hub, "nobody listens", 1)
	hub.Join("", "a")
	if !came() {
		t.Error("one more has come")
	}
}

// TestHubIDs gives the events of two processes different ids.
func TestHubIDs(t *testing.T) {
	one, two := monitor.NewHub(), monitor.NewHub()
	l, other := one.Join("", "a"), two.Join("", "a")
	publish(one, "a", 1)
	publish(two, "a", 1)
	events, _ := l.Take()
	foreign, _ := other.Take()
	if events[0].ID == foreign[0].ID {
		t.Errorf("both have %s", events[0].ID)
	}
	if _, missed := two.Join(events[0].ID, "a").Take(); !missed {
		t.Error("an id of another process is known")
	}
	if _, missed := two.Join(foreign[0].ID, "a").Take(); missed {
		t.Error("its own is not known")
	}
}

// TestHubAtOnce is used by many at once: each gets what is published while it listens, in order.
func TestHubAtOnce(t *testing.T) {
	const publishers, each = 4, 2000
	hub := monitor.NewHub()
	var listening, publishing sync.WaitGroup
	for range 4 {
		l := hub.Join("", "a")
		listening.Go(func() {
			defer l.Leave()
			var last uint64
			for end := false; !end; {
				<-l.Ready()
				events, _ := l.Take()
				for _, e := range events {
					if e.Number <= last {
						t.Errorf("%d comes after %d", e.Number, last)
					}
					last = e.Number
					end = end || e.Name == "end"
				}
			}
		})
	}
	for range publishers {
		publishing.Go(func() {
			for n := range each {
				publish(hub, "a", n)
				hub.Topics()
			}
		})
	}
	publishing.Wait()
	hub.Publish("a", monitor.Event{Name: "end"}) // the last one, which is never dropped
	listening.Wait()
	if hub.Clients() != 0 {
		t.Errorf("%d clients", hub.Clients())
	}
}
