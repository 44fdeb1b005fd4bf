-- The page itself. It never changes: what it shows comes as data, and the script puts that in as text.
return [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>moonkey emulator</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/_emulator/page.css">
<script src="/_emulator/page.js" defer></script>
</head>
<body>
<header>
<p class="over"><b>moonkey</b> emulator <span id="version"></span></p>
<h1>A stand-in of the token API, on this machine</h1>
<p class="lede" id="about">Nothing here is real, and no secret is shown.</p>
<p class="live"><button type="button" id="pause" aria-pressed="false">Pause</button>
<span id="live" role="status">Not loaded yet.</span></p>
<noscript><p>This page needs JavaScript. The same is at <code>/_emulator/state.json</code>.</p></noscript>
</header>
<main>
<section aria-labelledby="tokens-title">
<h2 id="tokens-title">Tokens</h2>
<dl class="totals" id="counts"></dl>
<div class="finder" role="search" aria-label="Tokens">
<label>Id or name <input type="search" id="find" autocomplete="off" spellcheck="false"></label>
<label>Status <select id="status"><option value="">any</option></select></label>
<span class="note" id="found" role="status"></span>
</div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="tokens-caption">
<table id="tokens">
<caption id="tokens-caption">Tokens, 50 at most</caption>
<thead><tr>
<th scope="col" aria-sort="ascending"><button type="button" data-sort="id">Id</button></th>
<th scope="col"><button type="button" data-sort="name">Name</button></th>
<th scope="col"><button type="button" data-sort="status">Status</button></th>
<th scope="col"><button type="button" data-sort="account">Account</button></th>
<th scope="col"><button type="button" data-sort="lastAccessAt">Last used</button></th>
</tr></thead>
<tbody></tbody>
</table>
</div>
</section>
<section aria-labelledby="requests-title">
<h2 id="requests-title">Requests</h2>
<p class="note" id="answered">None so far.</p>
<div class="scroll tall" tabindex="0" role="region" aria-labelledby="requests-caption">
<table id="requests">
<caption id="requests-caption">The last 200 requests, newest first</caption>
<thead><tr>
<th scope="col" class="n">No.</th>
<th scope="col">Time (UTC)</th>
<th scope="col">Method</th>
<th scope="col">Path and query</th>
<th scope="col" class="n">Status</th>
<th scope="col" class="n">ms</th>
<th scope="col">Done to it on purpose</th>
</tr></thead>
<tbody></tbody>
</table>
</div>
</section>
<section aria-labelledby="faults-title">
<h2 id="faults-title">Faults in force</h2>
<p class="note" id="no-faults">None. <code>moonkey emulator --fault 503:0.1</code> would fail one request in ten.</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="faults-caption" id="faults-part" hidden>
<table id="faults">
<caption id="faults-caption">Faults</caption>
<thead><tr><th scope="col">Fault</th><th scope="col" class="n">Requests struck</th></tr></thead>
<tbody></tbody>
</table>
</div>
</section>
</main>
<footer><p>Served by <code>moonkey emulator</code> to this machine alone.</p></footer>
</body>
</html>
]]
