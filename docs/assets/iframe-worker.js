/* Browsers start no worker on a page opened from the disk, and the search asks for one. There, this
   stands in for it: the same script in a hidden frame. Nothing is loaded from elsewhere. */
class IframeWorker extends EventTarget {
  constructor(url) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.appendChild(frame);
    const inside = frame.contentWindow;
    inside.document.open();
    inside.document.write(`<!doctype html><body><script>
      postMessage = (data) => parent.postMessage(data, "*");
      importScripts = (...urls) => urls.reduce((before, url) => before.then(() =>
        new Promise((loaded, failed) => {
          const script = document.createElement("script");
          Object.assign(script, { src: url, onload: loaded, onerror: failed });
          document.body.appendChild(script);
        })), Promise.resolve());
    <\/script><script src="${url}"><\/script></body>`);
    inside.document.close();
    this.frame = frame;
    this.ready = new Promise((loaded) => { inside.onload = loaded; });
    window.addEventListener("message", (event) => {
      if (event.source === inside) {
        this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      }
    });
  }

  postMessage(data) {
    this.ready.then(() => {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    });
  }

  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") {
  window.Worker = IframeWorker;
}
