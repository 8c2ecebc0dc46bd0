/**
 * Ordinary sentences, written by hand: none gives a secret away, and many talk about passwords, tokens and keys.
 */

/** English. */
export const ENGLISH: ReadonlyArray<string> = `
The password is required.
The password is too short, so the form was rejected.
Your password must be at least twelve characters long.
My password is not working again.
Please reset the password before you leave for the holidays.
The password was changed yesterday by the administrator.
Never write a password on a sticky note.
A password is only as good as the habit of its owner.
The password is stored as a salted hash.
The password is hashed with argon2id before it is stored.
Is the password case sensitive?
The password is the same for both machines, which is a bad idea.
I forgot my password and locked myself out.
The password for the guest network is on the fridge.
Ask the front desk what the password is.
The password field: leave it empty to keep the old one.
Password: required.
Password: must contain a digit and a sign.
Choose a passphrase that is long and easy to remember.
The passphrase is longer than the old limit of 16 characters.
Two people share one password, and neither remembers who set it.
The new policy is that every password is rotated each quarter.
The password is visible to nobody, not even to us.
Your PIN is printed on a separate letter.
The pin is bent and does not fit the socket.
Pin 4 of the chip is connected to ground.
The token is expired.
The token is valid for 3600 seconds.
This token is missing a signature.
The model emits one token at a time.
Each token is mapped to a vector of 4096 numbers.
The token limit is 8192 for this model.
A token: the smallest unit the parser sees.
The next token is a comma.
We spent forty thousand tokens on that experiment.
The tokenizer splits the word into three tokens.
The access token is sent in a header, never in the address.
A bearer token gives access to whoever bears it.
The bearer of this letter is my nephew.
The bearer shares were abolished last year.
The API key is missing from the request.
The API key is read from the environment.
Put your API key in the settings page and press save.
An API key is not a substitute for a user account.
The secret is patience.
The secret to good bread is time.
It is no secret that the bridge needs repair.
Her secret is safe with me.
The client secret is never shown again after creation.
The private key is kept on a smart card.
The private key is generated on the device and never leaves it.
The public key is 32 bytes long.
The key is under the mat.
The key to the cellar is with the neighbour.
The encryption key is derived from the passphrase.
The signing key is rotated every ninety days.
The credentials are checked before anything else happens.
The credentials: where do they come from?
His credentials were excellent, but he did not get the job.
The session is over.
The session id is regenerated after login.
A cookie: two of them, with chocolate, please.
The cookie is set only after you agree.
Basic authentication is simple and has well-known weaknesses.
Basic training lasts six weeks.
The authorization was granted in 1998.
Authorization: see chapter four of the handbook.
The certificate is valid until 2031-05-01.
The code is 4 lines long.
The security code is on the back of the card.
The verification code is sent by text message.
The verification code is wrong, please try again.
Enter the one-time code that we sent to your phone.
Version 2.14.3 fixes the memory leak.
We measured 12.5 ms on the small model and 48 ms on the large one.
The meeting starts at 10:30 and ends at noon.
On 2024-03-15 the river rose by two metres.
The order number is 20240315 and the parcel is on its way.
Call it from your own code at src/main.ts line 42.
Commit 4ce9e4a introduced the regression.
The digest of the file is printed below.
The train to Basel leaves from platform 7.
There are 1234567890 grains of sand in this jar, give or take.
The distance to the moon is 384400 kilometres.
The population of the town grew from 12000 to 15000.
In 1969 two people walked on the moon.
See section 3.2.1 of the manual for the details.
The ratio is 16:9 and the resolution is 1920x1080.
The cat sat on the mat and looked at the bird.
Rain is expected in the afternoon.
She reads two books a week, mostly novels.
The committee will meet again in the spring.
He planted an apple tree behind the house.
The soup needs salt, and perhaps a little lemon.
A good test fails for exactly one reason.
The function returns an empty list when nothing is found.
The server answers with status 404 when the page does not exist.
The queue is bounded and the producer waits when it is full.
Two kernels in one process share no mutable state.
The gradient of the loss with respect to the weights is a matrix.
The learning rate is 0.001 and decays by half every ten epochs.
The batch size is 32 because the memory is small.
Attention weights sum to one over the keys.
The query is compared with every key, and the values are mixed.
The primary key is a pair of columns.
The foreign key is checked at commit.
Press any key to continue.
The hot key is control and K.
The major key is C, the minor key is A.
The keyboard is missing a key.
The compass points north.
The boarding pass is in my coat.
The mountain pass is closed in winter.
The pass rate is 97 percent this year.
All tests pass on Linux and on Windows.
They pass the ball too often.
The password manager is open source.
The password prompt: why does it appear twice?
Password strength is measured in bits.
Password reset is available from the login page.
The wrong password was entered three times, so the account is blocked.
Which password did you mean?
What is the password policy of the company?
The password is weak, old and reused.
The password is known to the whole team, sadly.
The password is ignored when a key is given.
The default password is documented in the manual and must be changed.
The password is optional for local connections.
The password is encrypted at rest.
The password is compared in constant time.
If the password is wrong, wait a second before you answer.
The parser stops at the first token that does not fit.
The token is a string.
The token was revoked because it leaked.
The token has no expiry, which is why the audit complained.
The refresh token is longer-lived than the access token.
Every token is bound to one device.
The gift token is worth twenty pounds.
As a token of thanks they sent flowers.
The secret ingredient is smoked paprika.
The secret was out before lunch.
The state secret is older than the archive.
Write to the support team through the web form.
The at sign @ separates the two parts of an address.
Mention @ada in the comment if you need a review.
The ratio of 4111 to 1111 is close to 3.7.
The serial number is printed on the underside.
The account is in good standing.
The bank card was swallowed by the machine.
My credit card expired in June.
The card number has sixteen digits.
The last four digits are 1881.
The invoice is for 1250.00 euros.
The postal code is 8001.
The postcode is on the envelope.
Our office is at 221 Baker Street.
The user name is shown in the corner.
The user is signed out after ten minutes.
The login is slow today.
The login page: a short review.
The mnemonic is older than the instruction it names.
A mnemonic helps me remember the planets.
`.trim().split("\n");

/** Chinese. */
export const CHINESE: ReadonlyArray<string> = `
密码是必填项。
密码不能为空。
密码长度至少八位。
密码是用户自己设置的。
密码已经过期，请重新设置。
密码错误，请重试。
密码为空时系统会提示错误。
我忘记了密码，无法登录。
请不要把密码写在纸上。
密码是区分大小写的。
密码是加密存储的。
密码是 bcrypt 哈希之后再保存的。
密码：必填。
密码：请输入至少八位字符
密码：不能包含空格
你的密码太简单了，请换一个。
旧密码和新密码不能相同。
密码的强度由长度决定。
密码是什么？
密码是谁改的？
密码是不是太短了？
口令是很多年前约定的。
口令错误三次后账号会被锁定。
这个口令是大家都知道的。
口令：请向管理员索取
验证码是六位数字。
验证码已发送到您的手机。
验证码是错误的，请重新输入。
验证码有效期为5分钟。
请输入验证码。
令牌已过期。
令牌是 JWT 格式的。
令牌的有效期是 3600 秒。
令牌：由服务器签发
访问令牌放在请求头里。
每个令牌对应一个向量。
模型一次输出一个令牌。
密钥是随机生成的。
密钥保存在硬件里，不会离开设备。
密钥长度为 256 位。
密钥：由口令派生
私钥不应该发送给任何人。
私钥是保密的。
公钥可以公开。
请妥善保管您的密钥。
密钥每九十天更换一次。
这个秘密只有他知道。
成功的秘密是坚持。
机密信息不得外传。
凭证是由财务部门审核的。
凭证：见附件
授权码是一次性的。
登录页面打不开。
登录之后请修改初始密码。
初始密码见说明书。
用户名和密码都不能为空。
用户名是区分大小写的。
密码管理器可以帮助你记住密码。
密码学是一门有趣的学科。
密码本放在抽屉里。
他用密码锁锁住了箱子。
密码锁坏了，打不开。
这部小说的名字是达芬奇密码。
摩斯密码是一种早期的数字通信方式。
请在2024年3月15日之前提交报告。
会议从上午10:30开始。
版本2.14.3修复了内存泄漏。
我们测得的延迟是12.5毫秒。
人口从12000增加到15000。
月球到地球的距离约为384400公里。
订单号是20240315，包裹已经发出。
请看说明书第3.2.1节。
屏幕分辨率是1920x1080。
邮政编码是100084。
卡号一共有十六位。
银行卡被机器吞了。
信用卡六月到期。
发票金额是1250.00元。
学习率为0.001，每十轮减半。
批量大小是32，因为内存很小。
损失函数对权重的梯度是一个矩阵。
注意力权重之和等于一。
每个测试只因为一个原因而失败。
队列是有界的，满了以后生产者会等待。
服务器在页面不存在时返回404。
函数找不到结果时返回空列表。
两个内核之间不共享可变状态。
今天下午可能会下雨。
她每周读两本书。
他在屋后种了一棵苹果树。
汤里需要加一点盐。
火车从七号站台出发。
猫坐在垫子上看鸟。
委员会将在春天再次开会。
这座桥需要修理，这不是秘密。
钥匙在门垫下面。
钥匙在邻居那里。
键盘少了一个键。
主键由两列组成。
外键在提交时检查。
按任意键继续。
山口在冬天是关闭的。
所有测试在两个系统上都通过了。
登机牌在我的外套里。
请通过网页表单联系我们。
账号状态正常。
会话已经结束。
会话超时时间为30分钟。
浏览器的缓存已清空。
证书的有效期到2031年5月。
这段代码有四行。
安全码在卡的背面。
安全码是三位数字。
一次性密码比固定密码更安全。
支付密码为六位数字。
支付密码连续输错会被锁定。
密码重置链接已发送。
密码提示问题是可选的。
密码策略由管理员制定。
修改密码后请重新登录。
无线网络的密码贴在冰箱上。
无线密码问前台就行。
这台机器的密码没有人记得。
密码最好用句子，不要用单词。
密码改成什么都可以。
密码改为由系统生成。
密码设为可选。
密码：见附件
密码：与用户名相同
密码：暂无
他把密码叫做口令。
这个接口的密钥为只读权限。
令牌改成每小时刷新一次。
令牌为空表示匿名访问。
接口返回的令牌为字符串类型。
词法分析器读到的令牌是逗号。
下一个令牌是右括号。
密钥为空时拒绝启动。
助记词是用来记忆的。
助记词帮助我记住行星的顺序。
权杖是王权的象征。
国王手里的权杖是金的。
取件码在短信里。
动态码每三十秒变化一次。
温度是36.5度。
房间号是1204。
航班号是CA1501。
车次是G101次列车。
项目代号是蓝鲸。
文件的摘要打印在下面。
提交记录里有详细说明。
样例代码在第四十二行。
这道题的答案是42。
`.trim().split("\n");
